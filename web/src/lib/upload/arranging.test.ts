import { expect, test } from "vitest";

import { whileArranging, type Clock } from "./arranging";

class Later implements Clock {
  waiting: { at: number; call: () => void }[] = [];
  time = 0;

  now = (): number => this.time * 1000;

  later(call: () => void, seconds: number): () => void {
    const each = { at: this.time + seconds, call };
    this.waiting.push(each);
    return () => (this.waiting = this.waiting.filter((other) => other !== each));
  }

  pass(seconds: number): void {
    this.time += seconds;
    const due = this.waiting.filter(({ at }) => at <= this.time);
    this.waiting = this.waiting.filter(({ at }) => at > this.time);
    due.forEach(({ call }) => call());
  }
}

test("after photos are ready it is looked some times, later and later, and then no more", () => {
  const clock = new Later();
  let ready = (): void => undefined;
  let looks = 0;
  const end = whileArranging(() => (looks += 1), {
    onReady: (call) => ((ready = call), () => (ready = () => undefined)),
    latest: null,
    clock,
  });
  clock.pass(1000);
  expect(looks).toBe(0);
  ready();
  clock.pass(10);
  expect(looks).toBe(2);
  ready();
  clock.pass(1000);
  expect(looks).toBe(7);
  ready();
  end();
  ready();
  clock.pass(1000);
  expect(looks).toBe(7);
});

test("a page that is gone to in the middle looks for the rest of the time", () => {
  const clock = new Later();
  clock.time = 130;
  let looks = 0;
  whileArranging(() => (looks += 1), { onReady: () => () => undefined, latest: 100_000, clock });
  clock.pass(1000);
  expect(looks).toBe(2);
});
