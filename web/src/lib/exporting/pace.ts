/** How long something will still take, by how it went of late. Pure: the clock is given. */

/** Milliseconds that are looked back: a line that has become slow says so within a minute. */
const WINDOW = 60_000;
/** Milliseconds before anything is said. */
const FIRST = 3000;

export class Pace {
  #seen: { at: number; bytes: number }[] = [];

  /** `bytes` is what has come in all at the moment `at`, in milliseconds. */
  note(at: number, bytes: number): void {
    const last = this.#seen.at(-1);
    if (last && at - last.at < WINDOW / 100) last.bytes = bytes;
    else this.#seen.push({ at, bytes });
    while (this.#seen.length > 2 && at - (this.#seen[1]?.at ?? at) >= WINDOW) this.#seen.shift();
  }

  /** After a stand that was nobody's pace. */
  reset(): void {
    this.#seen = [];
  }

  /** Seconds until `bytes` more have come; null while nobody knows. */
  secondsFor(bytes: number): number | null {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)];
    if (!first || !last || last.at - first.at < FIRST || last.bytes <= first.bytes) return null;
    return (bytes * (last.at - first.at)) / 1000 / (last.bytes - first.bytes);
  }
}

/** "about 3 minutes left", as roughly as it is known. */
export function timeLeft(seconds: number): string {
  if (seconds < 50) return "less than a minute left";
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `about ${minutes} ${minutes === 1 ? "minute" : "minutes"} left`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `about ${hours} hours left` : `about ${Math.round(hours / 24)} days left`;
}
