/** What somebody says about people, each with its way back. */
import { api, type Schemas } from "../api";
import { toasts } from "../ui/toasts.svelte";

export type Person = Schemas["Person"];

export const nameOf = ({ name }: Pick<Person, "name">): string => name ?? "Somebody without a name";

/** Say that it was done, and offer to take it back: all of these corrections, the latest first. */
export function told(text: string, corrections: readonly (string | null)[], undone: () => void): void {
  const ids = corrections.filter((id) => id !== null);
  const undo = async (): Promise<void> => {
    try {
      for (const correction_id of ids.toReversed()) {
        await api.post("/people/corrections/{correction_id}/undo", { path: { correction_id } });
      }
      undone();
    } catch (error) {
      toasts.failed(error, { label: "Try again", run: () => void undo() });
    }
  };
  toasts.done(text, ids.length > 0 ? { label: "Undo", run: () => void undo() } : null);
}

/** The faces of a person in some photos. Throws `Problem`. */
export async function facesIn(person_id: string, image_ids: readonly string[]): Promise<string[]> {
  const faces: string[] = [];
  for (const image_id of image_ids) {
    const { people } = await api.get("/images/{image_id}", { path: { image_id } });
    faces.push(...people.filter((face) => face.person_id === person_id).map(({ id }) => id));
  }
  return faces;
}
