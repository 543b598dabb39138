/** How the clusters of a map stand on the screen, and what they are called. Pure. */
import type { Schemas } from "../api";
import type { Point } from "./projection";

export type Cluster = Schemas["Cluster"];

/** Pixels of a cluster's side, between two of them, and of the name below. */
export const SIDE = 54;
const BETWEEN = 6;
const NAME = 16;
const ROUNDS = 12;
/** How far one gives way, in pixels. */
const WAY = 34;

/**
 * Push apart what overlaps, a little each round and none farther than `WAY`: neighbouring cells may have their photos at
 * their common edge. The same points stand the same way each time.
 */
export function spread(points: readonly Point[], wide = SIDE + BETWEEN, high = wide + NAME): Point[] {
  const placed = points.map((point) => ({ ...point }));
  for (let round = 0; round < ROUNDS; round += 1) {
    let moved = false;
    for (let one = 0; one < placed.length; one += 1) {
      for (let other = one + 1; other < placed.length; other += 1) {
        const [a, b] = [placed[one] as Point, placed[other] as Point];
        const overlap = { x: wide - Math.abs(a.x - b.x), y: high - Math.abs(a.y - b.y) };
        if (overlap.x <= 0.5 || overlap.y <= 0.5) continue;
        // The shorter way out; of two on one spot, the later goes to the right.
        const axis = overlap.x <= overlap.y ? "x" : "y";
        const push = (a[axis] <= b[axis] ? -1 : 1) * (overlap[axis] / 2);
        a[axis] += push;
        b[axis] -= push;
        moved = true;
      }
    }
    for (const [at, point] of placed.entries()) {
      const from = points[at] as Point;
      point.x = Math.min(from.x + WAY, Math.max(from.x - WAY, point.x));
      point.y = Math.min(from.y + WAY, Math.max(from.y - WAY, point.y));
    }
    if (!moved) break;
  }
  return placed;
}

/** What a cluster is called: the nearest place that its photos share. */
export function nameOf({ place }: Cluster): string | null {
  return place?.city ?? ([place?.region, place?.country].filter(Boolean).join(", ") || null);
}

/** Where it is, for whoever does not see it: what it is called, or its degrees, and whether that is guessed. */
export function whereabouts(cluster: Cluster): string {
  const { count, estimated, lat, lon } = cluster;
  const where = nameOf(cluster) ?? `${degrees(lat, "N", "S")}, ${degrees(lon, "E", "W")}`;
  if (estimated === 0) return where;
  return `${where}, ${estimated === count ? "" : `${estimated} of them `}at an estimated place`;
}

const degrees = (value: number, positive: string, negative: string): string =>
  `${Math.abs(value).toFixed(2)}° ${value < 0 ? negative : positive}`;

/** "1,234" does not fit: "1.2k". */
export const short = (count: number): string =>
  count < 1000 ? String(count) : count < 9950 ? `${(count / 1000).toFixed(1)}k` : `${Math.round(count / 1000)}k`;
