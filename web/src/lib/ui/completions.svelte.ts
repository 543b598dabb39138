/** What completes a text that is being typed: asked for when the typing rests, and gone through with keys. */
import { asProblem, wasAborted } from "../problems";

/** Completions of a text, as soon as they are there. Throws `Problem`. */
export type Look<T> = (text: string, signal: AbortSignal) => Promise<readonly T[]>;

/** Milliseconds after which the typing is said to rest. */
const REST = 150;

export class Completions<T> {
  found: readonly T[] = $state.raw([]);
  /** The one that keys have come to; -1 for what was typed. */
  at = $state(-1);
  /** Why there are none, in a sentence. */
  problem: string | null = $state(null);
  /** What they complete. */
  text = "";
  #isOpen = $state(false);
  readonly #look: Look<T>;
  readonly #isEarly: boolean;
  #asked: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `isEarly`: there is something before anything is typed. */
  constructor(look: Look<T>, isEarly = false) {
    this.#look = look;
    this.#isEarly = isEarly;
  }

  get isOpen(): boolean {
    return this.#isOpen && this.found.length > 0;
  }

  /** Whether anything stands below the field. */
  get isShown(): boolean {
    return this.isOpen || this.problem !== null;
  }

  get chosen(): T | undefined {
    return this.isOpen ? this.found[this.at] : undefined;
  }

  /** Another text: what completes it takes the place of what completed the one before, once it is there. */
  type(text: string): void {
    this.#callOff();
    // What stands there before anything is typed completes nothing.
    if (text.trim() === "" || this.text.trim() === "") this.found = [];
    [this.text, this.at, this.problem] = [text, -1, null];
    if (text.trim() !== "" || this.#isEarly) this.#timer = setTimeout(() => void this.#ask(), REST);
  }

  async #ask(): Promise<void> {
    const { signal } = (this.#asked = new AbortController());
    try {
      const found = await this.#look(this.text, signal);
      if (signal.aborted) return; // it came too late
      [this.found, this.at, this.#isOpen] = [found, -1, true];
    } catch (error) {
      if (signal.aborted || wasAborted(error)) return;
      [this.found, this.problem] = [[], asProblem(error).message];
    }
  }

  /** The next one up or down, and round through the text itself. */
  step(by: 1 | -1): void {
    const places = this.found.length + 1;
    this.at = this.isOpen ? ((this.at + 1 + by + places) % places) - 1 : by > 0 ? 0 : this.found.length - 1;
    this.#isOpen = true;
  }

  /** Nothing stands there any more, nor comes. */
  close(): void {
    this.#callOff();
    [this.at, this.problem, this.#isOpen] = [-1, null, false];
  }

  /** The text is another one that nobody typed: there is nothing to complete. */
  forget(text: string): void {
    this.close();
    [this.text, this.found] = [text, []];
  }

  #callOff(): void {
    clearTimeout(this.#timer);
    this.#asked?.abort();
  }
}
