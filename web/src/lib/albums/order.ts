/** Moving photos of an album by hand. */
import type { Schemas } from "../api";
import type { Source } from "../photos/source.svelte";

export type Move = "start" | "earlier" | "later" | "end";
export type Spot = Schemas["Move"];

export const MOVES: readonly (readonly [Move, string])[] = [
  ["start", "To the start"],
  ["earlier", "One place earlier"],
  ["later", "One place later"],
  ["end", "To the end"],
];

/** Where photos come to, together and in the order that they have; null where they are there already. */
export async function spotOf(source: Source, ids: readonly string[], move: Move): Promise<Spot | null> {
  const placeOf = (id: string): number => source.position(id)?.index ?? -1;
  const image_ids = ids.filter((id) => placeOf(id) >= 0).toSorted((a, b) => placeOf(a) - placeOf(b));
  const [first, last] = [image_ids[0], image_ids.at(-1)];
  if (first === undefined || last === undefined) return null;
  if (move === "start" || move === "end") return { image_ids, to: move };
  const beside = await source.neighbour(move === "earlier" ? first : last, move === "earlier" ? -1 : 1);
  return beside && { image_ids, ...(move === "earlier" ? { before: beside.id } : { after: beside.id }) };
}
