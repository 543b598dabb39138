/** How long the rest will take, by how fast it went lately. */

/** Milliseconds between two looks, and looks before anything is said. */
const LOOK = 1000;
const LOOKS = 5;
/** How much the latest second weighs against all before it. */
const WEIGHT = 0.15;

export class Pace {
  #at = 0;
  #posted = 0;
  #looks = 0;
  /** Bytes a second. */
  #rate = 0;

  /** Seconds for `rest` bytes, when `posted` have left at `now` (milliseconds); null while that is not known. */
  left(posted: number, rest: number, now: number): number | null {
    if (this.#at === 0) [this.#at, this.#posted] = [now, posted];
    const seconds = (now - this.#at) / 1000;
    if (seconds * 1000 >= LOOK) {
      // What has to be sent again has not left; a computer that slept has not been slow.
      const rate = Math.max(0, posted - this.#posted) / Math.min(seconds, 5);
      this.#looks += 1;
      this.#rate += (rate - this.#rate) * Math.max(WEIGHT, 1 / this.#looks);
      [this.#at, this.#posted] = [now, posted];
    }
    return this.#looks < LOOKS || this.#rate < 1 ? null : rest / this.#rate;
  }
}

/** "about 3 min left" */
export function remaining(seconds: number): string {
  if (seconds < 60) return "under 1 min left";
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `about ${minutes} min left` : `about ${Math.round(minutes / 60)} h left`;
}
