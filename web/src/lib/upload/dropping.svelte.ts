/** What a file that is dropped on the page is for: it is added to the vault, unless the page does something else with it. */
import type { Chosen } from "./chosen";

export interface Taker {
  /** What is said while a picture is held over the page. */
  says: string;
  /** Takes a picture, or says what is wrong with the file. */
  take: (file: File) => void;
}

class Dropping {
  taker: Taker | null = $state.raw(null);

  /** Take single files; the answer ends it. */
  take(taker: Taker): () => void {
    this.taker = taker;
    return () => {
      if (this.taker === taker) this.taker = null;
    };
  }

  /** Whether the page took what was dropped: a single file. Several of them, and folders, are meant to be added. */
  took(chosen: readonly Chosen[]): boolean {
    const [one, another] = chosen;
    // A folder's files have paths with the folder in them.
    if (!this.taker || !one || another || one.path.includes("/")) return false;
    this.taker.take(one.file);
    return true;
  }
}

export const dropping = new Dropping();
