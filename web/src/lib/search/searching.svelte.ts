/** What the search page has while other pages are shown: in memory alone, so that it ends with the session's page. */

interface Example {
  file: File;
  /** Of the page's own, to show it. */
  url: string;
}

const MOST_RECENT = 6;

class Searching {
  /** How often the same words were asked for again. */
  times: number = $state(0);
  /** The picture that is searched by, as long as no words are. */
  example: Example | null = $state.raw(null);
  readonly #listed = new Map<string, number>();
  /** What was searched for and found, the latest first. */
  #recent: readonly string[] = [];

  get recent(): readonly string[] {
    return this.#recent;
  }

  again(): void {
    this.times += 1;
  }

  /** Search by a picture, or by none any more. */
  by(file: File | null): void {
    if (this.example) URL.revokeObjectURL(this.example.url);
    this.example = file && { file, url: URL.createObjectURL(file) };
  }

  /** So many photos of what these words find are listed now. */
  note(words: string, photos: number): void {
    this.#listed.set(words, photos);
    const others = this.#recent.filter((each) => each !== words);
    if (photos > 0) this.#recent = [words, ...others].slice(0, MOST_RECENT);
  }

  /** How many were listed when somebody left them; whoever comes back wants to be where they were. */
  listed(words: string): number {
    return this.#listed.get(words) ?? 0;
  }
}

export const searching = new Searching();
