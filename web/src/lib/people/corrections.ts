/** What somebody says about people, each with its way back. */
import { api, type Schemas } from "../api";
import { undoing } from "../photos/undoing";
import { toasts } from "../ui/toasts.svelte";

export type Person = Schemas["Person"];

export const nameOf = ({ name }: Pick<Person, "name">): string => name ?? "Somebody without a name";

/** Of the people with names who are listed, at most. */
const MOST = 1000;

/** Those who have a name, most photos first, hidden or not. Throws `Problem`. */
export async function named(): Promise<Person[]> {
  const found: Person[] = [];
  let cursor: string | null = null;
  do {
    const page: Schemas["Page_Person_"] = await api.get("/albums/persons", {
      query: { hidden: true, limit: 200, ...(cursor ? { cursor } : {}) },
    });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null && found.length < MOST);
  return found.filter(({ name }) => name !== null);
}

/** Letters without accents and case, as people type them. */
const plain = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase().trim();

/** Who of them may be meant by what was typed so far: a name that it begins, or a part of one. */
export function alike(people: readonly Person[], typed: string, except: string, most = 4): Person[] {
  const wanted = plain(typed);
  if (wanted === "") return [];
  const rankOf = ({ name }: Person): number => {
    const known = plain(name ?? "");
    if (known === wanted) return 0;
    if (known.startsWith(wanted)) return 1;
    return known.split(/\s+/).some((part) => part.startsWith(wanted)) ? 2 : 3;
  };
  return people
    .filter((each) => each.id !== except && rankOf(each) < 3)
    .toSorted((a, b) => rankOf(a) - rankOf(b))
    .slice(0, most);
}

/**
 * Say that it was done, and offer to take it back: all of these corrections, the latest first. Then `undone` is told who
 * was touched by the last of them.
 */
export function told(
  text: string,
  corrections: readonly (string | null)[],
  undone: (people: readonly Person[]) => void,
): void {
  const ids = corrections.filter((id) => id !== null);
  const undo = async (): Promise<void> => {
    let people: readonly Person[] = [];
    for (const correction_id of ids.toReversed()) {
      ({ people } = await api.post("/people/corrections/{correction_id}/undo", { path: { correction_id } }));
    }
    undone(people);
  };
  toasts.done(text, ids.length > 0 ? undoing(undo) : null);
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
