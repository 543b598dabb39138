/** Originals, opened on their way to the disk. */
import { fetchStream } from "../../../vault/envelope.js";
import { Problem, wasAborted } from "../problems";
import { save } from "../save";
import type { Ticket } from "../tickets/protocol";
import { detailOf } from "./details";
import type { Photo } from "./words";

interface Picker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<{
    createWritable: () => Promise<WritableStream<Uint8Array>>;
  }>;
}

/** From this size on, in bytes, a file is written as it comes, where the browser lets us choose its place. */
const LARGE = 50 * 1024 * 1024;

/** Save the file as it was uploaded. Throws `Problem`; nothing happens when the person thinks better of it. */
export async function download(photo: Photo): Promise<void> {
  const { original } = (await detailOf(photo.id)).tickets;
  if (!original) throw new Problem("The original has not been sealed yet. Try again in a moment.");
  await saved(original, photo.content_type, photo.filename);
}

/** Save the film that belongs to a photo, under the photo's name. Throws `Problem`. */
export async function downloadFilm(photo: Photo): Promise<void> {
  const { motion } = (await detailOf(photo.id)).tickets;
  if (!motion) throw new Problem("There is no film with this photo any more.");
  const ending = motion.content_type === "video/quicktime" ? ".mov" : ".mp4";
  await saved(motion, motion.content_type, photo.filename.replace(/\.[^.]*$/, "") + ending);
}

async function saved(ticket: Ticket, type: string, name: string): Promise<void> {
  const { showSaveFilePicker } = window as Picker;
  try {
    if (ticket.bytes > LARGE && showSaveFilePicker) {
      const file = await showSaveFilePicker({ suggestedName: name });
      await fetchStream({ ...ticket } as never).pipeTo(await file.createWritable());
      return;
    }
    const opened = await new Response(fetchStream({ ...ticket } as never)).blob();
    save(new Blob([opened], { type }), name);
  } catch (error) {
    if (wasAborted(error)) return;
    throw error instanceof Problem ? error : new Problem("The download stopped. Check your connection and try again.");
  }
}
