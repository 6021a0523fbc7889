/** The conversation list. */

import { type Api, ApiProblem, type ConversationMade, type ConversationSummary } from "./api";
import { Store, type Schedule } from "./store";

export interface ConversationListState {
  readonly conversations: readonly ConversationSummary[];
  /** All known titles by id, including conversations that aren't listed now. */
  readonly titles: Readonly<Record<string, string>>;
  /** Cursor of the next page; null at the end. */
  readonly nextBefore: string | null;
  /** The search query; empty: all conversations. */
  readonly wanted: string;
  readonly loaded: boolean;
  readonly problem: string | null;
}

export class ConversationList {
  readonly state: Store<ConversationListState>;
  readonly #api: Api;

  constructor(api: Api, schedule?: Schedule) {
    this.#api = api;
    this.state = new Store<ConversationListState>({ conversations: [], titles: {}, nextBefore: null, wanted: "", loaded: false, problem: null }, schedule);
  }

  /** Reload the first page, keeping further pages. */
  refresh(): Promise<void> {
    return this.#try(async () => {
      const { wanted } = this.state.latest;
      const page = await this.#api.conversations(wanted === "" ? {} : { search: wanted });
      if (wanted !== this.state.latest.wanted) return;
      const oldest = page.conversations.at(-1)?.updated_at_ms ?? 0;
      const known = new Set(page.conversations.map((each) => each.conversation_id));
      const { conversations, nextBefore } = this.state.latest;
      const older = page.next_before === null ? [] : conversations.filter((each) => !known.has(each.conversation_id) && each.updated_at_ms <= oldest);
      this.#change({
        conversations: [...page.conversations, ...older],
        nextBefore: older.length > 0 ? nextBefore : page.next_before,
        loaded: true,
        problem: null,
      });
    });
  }

  /** Search chats. */
  search(words: string): Promise<void> {
    const wanted = words.trim();
    if (wanted === this.state.latest.wanted) return Promise.resolve();
    this.#change({ wanted, conversations: [], nextBefore: null, loaded: false });
    return this.refresh();
  }

  /** Select the version with the search hits when a found conversation is opened. */
  showFound(id: string): Promise<void> {
    const { wanted } = this.state.latest;
    return wanted === "" ? Promise.resolve() : this.#try(() => this.#api.showFound(id, wanted));
  }

  more(): Promise<void> {
    return this.#try(async () => {
      const { conversations, nextBefore, wanted } = this.state.latest;
      if (nextBefore === null) return;
      const page = await this.#api.conversations({ before: nextBefore, ...(wanted === "" ? {} : { search: wanted }) });
      if (wanted !== this.state.latest.wanted) return;
      const known = new Set(conversations.map((each) => each.conversation_id));
      const found = page.conversations.filter((each) => !known.has(each.conversation_id));
      this.#change({ conversations: [...conversations, ...found], nextBefore: page.next_before });
    });
  }

  /** Create a conversation; temporary ones aren't listed. Throws `ApiProblem`. */
  async create(title: string, temporary: boolean): Promise<string> {
    return this.#add(await this.#api.createConversation(title, temporary));
  }

  /** Branch a conversation at a run; it is temporary if the original is. Throws `ApiProblem`. */
  async branch(id: string, runId: string): Promise<string> {
    return this.#add(await this.#api.branch(id, runId));
  }

  #add(made: ConversationMade): string {
    if (!made.temporary) this.#change({ conversations: [made, ...this.state.latest.conversations] });
    return made.conversation_id;
  }

  /** Fetch the title of a conversation that isn't listed yet. Temporary ones have none. */
  async learn(id: string): Promise<void> {
    if (id in this.state.latest.titles) return;
    try {
      const found = await this.#api.conversation(id);
      if (!found.temporary) this.#change({ titles: { ...this.state.latest.titles, [id]: found.title } });
    } catch (error) {
      // The conversation view reports that it is missing.
      if (!(error instanceof ApiProblem)) throw error;
    }
  }

  rename(id: string, title: string): Promise<void> {
    return this.#try(async () => {
      await this.#api.renameConversation(id, title);
      const conversations = this.state.latest.conversations.map((each) => (each.conversation_id === id ? { ...each, title } : each));
      this.#change({ conversations, titles: { ...this.state.latest.titles, [id]: title } });
    });
  }

  remove(id: string): Promise<void> {
    return this.#try(async () => {
      await this.#api.deleteConversation(id);
      this.#change({ conversations: this.state.latest.conversations.filter((each) => each.conversation_id !== id) });
    });
  }

  async #try(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      this.#change({ problem: error.message });
    }
  }

  #change(part: Partial<ConversationListState>): void {
    const titles = { ...this.state.latest.titles, ...part.titles };
    for (const each of part.conversations ?? []) titles[each.conversation_id] = each.title;
    this.state.set({ ...this.state.latest, ...part, titles });
  }
}
