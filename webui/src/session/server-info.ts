/** Server information and capabilities. */

import { type Api, ApiProblem, type Bootstrap, type Features, type ModelChoice } from "./api";
import { Store, type Schedule } from "./store";

export interface ServerState {
  readonly bootstrap: Bootstrap | null;
  readonly features: Features;
  readonly models: readonly ModelChoice[];
  readonly problem: string | null;
}

export class ServerInfo {
  readonly state: Store<ServerState>;
  readonly #api: Api;

  constructor(api: Api, schedule?: Schedule) {
    this.#api = api;
    this.state = new Store<ServerState>({ bootstrap: null, features: {}, models: [], problem: null }, schedule);
  }

  /** The WebSocket URL. Throws `ApiProblem`, or the signal's reason if aborted. */
  async address(page: Location, given: AbortSignal): Promise<string> {
    const bootstrap = await this.#api.bootstrap(given);
    this.#change({ bootstrap });
    if (bootstrap.ws_path === null) throw new ApiProblem(404, "no_socket", "This page's connection is turned off. Turn it on in [channels.websocket] of the server's configuration.");
    const address = new URL(bootstrap.ws_path, page.href);
    address.protocol = page.protocol === "https:" ? "wss:" : "ws:";
    if (bootstrap.ticket) address.searchParams.set("ticket", bootstrap.ticket);
    return address.href;
  }

  /** Reload models and capabilities. */
  async refresh(): Promise<void> {
    try {
      const [features, models] = await Promise.all([this.#api.features(), this.#api.models()]);
      this.#change({ features, models, problem: null });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      this.#change({ problem: error.message });
    }
  }

  #change(part: Partial<ServerState>): void {
    this.state.set({ ...this.state.latest, ...part });
  }
}
