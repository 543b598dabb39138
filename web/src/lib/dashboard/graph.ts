/**
 * Where people stand in a picture of who appears with whom: those in many photos together stand near one another. The
 * forces are those of Fruchterman and Reingold (Graph Drawing by Force-directed Placement, 1991); nothing is random, so
 * that the same people stand the same way each time. Pure.
 */
export interface Node {
  id: string;
  /** From 0 to 1, across and down. */
  x: number;
  y: number;
}

export interface Edge {
  one: string;
  other: string;
  /** Photos that show both. */
  images: number;
}

interface Seen {
  person_id: string;
  appears_with: readonly { person_id: string; images: number }[];
}

/** Each pair once. Who is not listed is left out. */
export function edgesOf(people: readonly Seen[]): Edge[] {
  const listed = new Set(people.map(({ person_id }) => person_id));
  const edges = new Map<string, Edge>();
  for (const { person_id, appears_with } of people) {
    for (const { person_id: other, images } of appears_with) {
      if (!listed.has(other) || other === person_id) continue;
      const [a, b] = [person_id, other].sort() as [string, string];
      edges.set(`${a} ${b}`, { one: a, other: b, images });
    }
  }
  return [...edges.values()];
}

const ROUNDS = 300;
/** What a face takes at the edges, in heights of the picture. */
const ASIDE = 0.13;
const BELOW = 0.17;
/** Radians between neighbours of a sunflower's seeds: nobody starts where somebody else is. */
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

/** `ratio` is the picture's width by its height. */
export function arrange(ids: readonly string[], edges: readonly Edge[], ratio = 1.6): Node[] {
  const at = new Map(ids.map((id, n) => [id, n]));
  const points = ids.map((_, n) => {
    const far = 0.42 * Math.sqrt((n + 0.5) / ids.length);
    return { x: ratio / 2 + far * ratio * Math.cos(n * GOLDEN), y: 0.5 + far * Math.sin(n * GOLDEN) };
  });
  const apart = 0.65 * Math.sqrt(ratio / Math.max(1, ids.length));
  const most = Math.max(1, ...edges.map(({ images }) => images));
  for (let round = 0; round < ROUNDS; round += 1) {
    const push = points.map(({ x, y }) => ({ x: (ratio / 2 - x) * 0.25, y: (0.5 - y) * 0.4 }));
    for (const [n, a] of points.entries()) {
      for (let m = n + 1; m < points.length; m += 1) {
        const b = points[m] as { x: number; y: number };
        const [x, y] = [a.x - b.x, a.y - b.y];
        const far = Math.max(0.01, Math.hypot(x, y));
        const force = apart ** 2 / far ** 2;
        add(push[n], x * force, y * force);
        add(push[m], -x * force, -y * force);
      }
    }
    for (const { one, other, images } of edges) {
      const [n, m] = [at.get(one), at.get(other)];
      if (n === undefined || m === undefined) continue;
      const [a, b] = [points[n], points[m]] as [{ x: number; y: number }, { x: number; y: number }];
      const [x, y] = [a.x - b.x, a.y - b.y];
      const force = (Math.hypot(x, y) / apart) * (0.35 + 0.65 * Math.sqrt(images / most));
      add(push[n], -x * force, -y * force);
      add(push[m], x * force, y * force);
    }
    const warmth = 0.08 * (1 - round / ROUNDS) + 0.002;
    for (const [n, point] of points.entries()) {
      const { x, y } = push[n] as { x: number; y: number };
      const far = Math.hypot(x, y) || 1;
      const way = Math.min(far, warmth);
      point.x = Math.min(ratio - ASIDE, Math.max(ASIDE, point.x + (x / far) * way));
      point.y = Math.min(1 - BELOW, Math.max(ASIDE, point.y + (y / far) * way));
    }
  }
  return ids.map((id, n) => ({ id, x: (points[n]?.x ?? 0) / ratio, y: points[n]?.y ?? 0 }));
}

function add(point: { x: number; y: number } | undefined, x: number, y: number): void {
  if (!point) return;
  point.x += x;
  point.y += y;
}
