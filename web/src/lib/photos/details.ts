/** Details of photos, each asked for once while it is of use. */
import { api } from "../api";
import type { PhotoDetail } from "./words";

/** As many as leafing back and forth needs. */
const MOST = 60;

/** Milliseconds before the end of its tickets from which on a detail is asked for anew. */
const MARGIN = 60_000;

const known = new Map<string, Promise<PhotoDetail>>();

/** All about a photo. Throws `Problem`. */
export async function detailOf(id: string): Promise<PhotoDetail> {
  let asked = known.get(id);
  if (asked && hasEnded(await asked)) asked = undefined;
  asked ??= api.get("/images/{image_id}", { path: { image_id: id } });
  known.delete(id);
  known.set(id, asked);
  for (const oldest of known.keys()) if (known.size > MOST) known.delete(oldest);
  try {
    return await asked;
  } catch (error) {
    known.delete(id);
    throw error;
  }
}

/** Something about a photo has changed. */
export function forgetDetail(id: string): void {
  known.delete(id);
}

/** Something about many has. */
export const forgetDetails = (): void => known.clear();

function hasEnded(detail: PhotoDetail): boolean {
  const ends = Object.values(detail.tickets).map((ticket) => Date.parse(ticket.expires_at));
  return ends.length > 0 && Math.min(...ends) < Date.now() + MARGIN;
}
