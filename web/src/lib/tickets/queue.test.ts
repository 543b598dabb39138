import { expect, test, vi } from "vitest";

import { Lru } from "./lru";
import { Queue } from "./queue";

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

test("so many run at a time, urgent ones first, and what is called off is not begun", async () => {
  const queue = new Queue(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (id: number) => () => {
    begun.push(id);
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  for (const id of [1, 2, 3, 4]) queue.add(id, false, work(id));
  queue.add(5, true, work(5));
  queue.cancel(3);
  expect(begun).toEqual([1, 2]);
  ends.shift()?.();
  ends.shift()?.();
  await settled();
  expect(begun).toEqual([1, 2, 5, 4]);
});

test("what runs hears that it was called off", async () => {
  const queue = new Queue(1);
  const heard = vi.fn();
  queue.add(1, true, async (signal) => signal.addEventListener("abort", heard));
  queue.cancel(1);
  await settled();
  expect(heard).toHaveBeenCalledOnce();
});

test("the least lately used go when it gets too heavy, and never the newest", () => {
  const gone: string[] = [];
  const kept = new Lru<string>(10, (value) => gone.push(value));
  kept.set("a", "A", 4);
  kept.set("b", "B", 4);
  kept.get("a");
  kept.set("c", "C", 4);
  expect([gone, kept.get("a"), kept.get("b")]).toEqual([["B"], "A", undefined]);
  kept.set("d", "D", 100);
  expect([gone, kept.get("d")]).toEqual([["B", "C", "A"], "D"]);
});
