/** People and albums are made of new photos soon after these are ready: pages that list them look again for a while. */
const SECONDS = [3, 8, 20, 45, 90] as const;

export interface Clock {
  now(): number;
  /** Call something later, in seconds; the answer calls it off. */
  later(call: () => void, seconds: number): () => void;
}

/**
 * Look at once after photos became ready, and some times more. `onReady` tells of it; `latest` (milliseconds) is when it
 * last was, for a page that is gone to in the middle. The answer ends it.
 */
export function whileArranging(
  look: () => void,
  { onReady, latest, clock }: { onReady: (call: () => void) => () => void; latest: number | null; clock: Clock },
): () => void {
  let waiting: (() => void)[] = [];
  const stop = (): void => waiting.splice(0).forEach((end) => end());
  const begin = (passed: number): void => {
    stop();
    waiting = SECONDS.filter((at) => at > passed).map((at) => clock.later(look, at - passed));
  };
  if (latest !== null) begin((clock.now() - latest) / 1000);
  const end = onReady(() => begin(0));
  return () => {
    end();
    stop();
  };
}
