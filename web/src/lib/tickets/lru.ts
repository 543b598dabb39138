/** The latest used values within a total weight; what has to go is told to `gone`. */
export class Lru<Value> {
  #most: number;
  #gone: (value: Value) => void;
  #kept = new Map<string, { value: Value; weight: number }>();
  #weight = 0;

  constructor(most: number, gone: (value: Value) => void) {
    this.#most = most;
    this.#gone = gone;
  }

  get(key: string): Value | undefined {
    const found = this.#kept.get(key);
    if (found === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, found);
    return found.value;
  }

  set(key: string, value: Value, weight: number): void {
    this.#drop(key);
    this.#kept.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#most || oldest === key) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const found = this.#kept.get(key);
    if (found === undefined) return;
    this.#kept.delete(key);
    this.#weight -= found.weight;
    this.#gone(found.value);
  }
}
