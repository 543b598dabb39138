/** Work that is done so many at a time, urgent work first, and can be called off before and while it is done. */
export class Queue {
  #limit: number;
  #running = new Map<number, AbortController>();
  #urgent = new Map<number, Work>();
  #waiting = new Map<number, Work>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(id: number, urgent: boolean, work: Work): void {
    (urgent ? this.#urgent : this.#waiting).set(id, work);
    this.#next();
  }

  cancel(id: number): void {
    this.#urgent.delete(id);
    this.#waiting.delete(id);
    this.#running.get(id)?.abort();
  }

  #next(): void {
    while (this.#running.size < this.#limit) {
      const line = this.#urgent.size > 0 ? this.#urgent : this.#waiting;
      const first = line.entries().next();
      if (first.done) return;
      const [id, work] = first.value;
      line.delete(id);
      const controller = new AbortController();
      this.#running.set(id, controller);
      void work(controller.signal).finally(() => {
        this.#running.delete(id);
        this.#next();
      });
    }
  }
}

type Work = (signal: AbortSignal) => Promise<void>;
