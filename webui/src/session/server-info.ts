/** Server information and capabilities. */

import { type Me, withPermittedEfforts } from "./access";
import { type Api, ApiProblem, type Bootstrap, type Features, type ModelChoice } from "./api";
import { Store, type Schedule } from "./store";
import type { SocketAddress } from "./websocket";

export interface ServerState {
  readonly bootstrap: Bootstrap | null;
  readonly features: Features;
  /** The models that the user's key may use. */
  readonly models: readonly ModelChoice[];
  /** Who uses the page; null while unknown, and if the server needs no credentials. */
  readonly me: Me | null;
  readonly problem: string | null;
}

export class ServerInfo {
  readonly state: Store<ServerState>;
  readonly #api: Api;
  readonly #onOtherOwner: () => void;

  /** `onOtherOwner` is called when somebody else has logged in, before anything of the former owner is sent. */
  constructor(api: Api, schedule?: Schedule, onOtherOwner: () => void = () => undefined) {
    this.#api = api;
    this.#onOtherOwner = onOtherOwner;
    this.state = new Store<ServerState>({ bootstrap: null, features: {}, models: [], me: null, problem: null }, schedule);
  }

  /** Where the WebSocket is, with a ticket if needed. Throws `ApiProblem`, or the signal's reason if aborted. */
  async address(page: Location, given: AbortSignal): Promise<SocketAddress> {
    const bootstrap = await this.#api.bootstrap(given);
    if (bootstrap.ticket) this.#identify(await this.#api.me(given));
    this.#change({ bootstrap });
    if (bootstrap.ws_path === null) throw new ApiProblem(404, "no_socket", "This page's connection is turned off. Turn it on in [channels.websocket] of the server's configuration.");
    const address = new URL(bootstrap.ws_path, page.href);
    address.protocol = page.protocol === "https:" ? "wss:" : "ws:";
    return { url: address.href, protocols: bootstrap.ticket ? ["thinkaloud", `ticket.${bootstrap.ticket}`] : [] };
  }

  /** Learn who uses the page. */
  #identify(me: Me): void {
    const before = this.state.latest.me;
    if (before !== null && before.owner !== me.owner) {
      this.#onOtherOwner();
      throw new ApiProblem(0, "other_owner", "Somebody else has logged in.");
    }
    this.#change({ me });
  }

  /** Reload what the user may do, and their remaining limits. */
  async refreshMe(): Promise<void> {
    try {
      this.#identify(await this.#api.me());
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      this.#change({ problem: error.message });
    }
  }

  /** Reload models and capabilities. */
  async refresh(): Promise<void> {
    try {
      const [features, models] = await Promise.all([this.#api.features(), this.#api.models()]);
      this.#change({ features, models: withPermittedEfforts(models, this.state.latest.me), problem: null });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      this.#change({ problem: error.message });
    }
  }

  #change(part: Partial<ServerState>): void {
    this.state.set({ ...this.state.latest, ...part });
  }
}
