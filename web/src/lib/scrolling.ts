/**
 * Where a page is scrolled to. Whoever goes on starts at the top; whoever comes back is where they were, as soon as the
 * page is long enough again: a browser tries that once, when the page has only begun to load.
 */
import { router } from "./router.svelte";

/** Milliseconds that a page may take to grow, and in which it has to grow no more; then nothing moves by itself. */
const PATIENCE = 5000;
const QUIET = 400;
/** Milliseconds after which scrolling is said to rest. */
const REST = 300;
const HANDS = ["wheel", "touchstart", "pointerdown", "keydown"] as const;

let resting: ReturnType<typeof setTimeout> | undefined;
let stop: (() => void) | null = null;

/** Note with each entry of the history how far down it was. Returns what ends that. */
export function keepTops(): () => void {
  const note = (): void => {
    clearTimeout(resting);
    if (stop === null) router.keepTop();
  };
  const scrolled = (): void => {
    clearTimeout(resting);
    resting = setTimeout(note, REST);
  };
  const gone = (): void => clearTimeout(resting); // what is scrolled from now on is another entry
  addEventListener("scroll", scrolled, { passive: true });
  addEventListener("click", note, { capture: true }); // perhaps on a link
  addEventListener("pagehide", note);
  addEventListener("popstate", gone, { capture: true });
  return () => {
    gone();
    stop?.();
    removeEventListener("scroll", scrolled);
    removeEventListener("click", note, { capture: true });
    removeEventListener("pagehide", note);
    removeEventListener("popstate", gone, { capture: true });
  };
}

/**
 * Go to `top` as soon as the page is long enough, and stay there while what is above it loads (a browser would keep what
 * is seen in its place instead, which is not yet what was seen), unless a person moves the page meanwhile.
 */
export function goTo(top: number): void {
  stop?.();
  clearTimeout(resting);
  if (top === 0) {
    scrollTo({ top, behavior: "instant" });
    return;
  }
  const end = performance.now() + PATIENCE;
  let [frame, height, quiet] = [0, 0, Infinity];
  const done = (): void => {
    cancelAnimationFrame(frame);
    for (const hand of HANDS) removeEventListener(hand, done, { capture: true });
    stop = null;
  };
  stop = done;
  for (const hand of HANDS) addEventListener(hand, done, { capture: true, passive: true });
  const attempt = (): void => {
    const { scrollHeight } = document.documentElement;
    const now = performance.now();
    if (scrollHeight !== height) {
      height = scrollHeight;
      if (height - innerHeight >= top) quiet = now + QUIET;
      if (quiet < Infinity) scrollTo({ top, behavior: "instant" });
    }
    if (now < Math.min(quiet, end)) frame = requestAnimationFrame(attempt);
    else done();
  };
  attempt();
}
