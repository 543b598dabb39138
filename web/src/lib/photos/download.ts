/** Originals, opened on their way to the disk. */
import { fetchStream } from "../../../vault/envelope.js";
import { Problem, wasAborted } from "../problems";
import { save } from "../save";
import type { Ticket } from "../tickets/protocol";
import { detailOf } from "./details";
import { localTime, type Photo } from "./words";

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

/** In bytes: a browser holds what it packs until it is saved. */
const PACKED = 500 * 1000 * 1000;

/** Save the files of several photos, packed; of many, in several packets. Throws `Problem`. */
export async function downloadAll(photos: readonly Photo[]): Promise<void> {
  const [only] = photos;
  if (photos.length === 1 && only) return download(only);
  const [{ makeZip }, { Names, photoName }] = await Promise.all([import("client-zip"), import("../exporting/layout")]);
  const packets = packed(photos, PACKED);
  for (const [n, packet] of packets.entries()) {
    const names = new Names();
    const entries = async function* (): AsyncGenerator<{ name: string; input: ReadableStream; lastModified: Date }> {
      for (const photo of packet) {
        const { original } = (await detailOf(photo.id)).tickets;
        if (!original) throw new Problem(`${photo.filename} has not been sealed yet. Try again in a moment.`);
        const input = fetchStream({ ...original } as never);
        yield {
          name: names.take("photos", photoName(photo)),
          input,
          lastModified: new Date(`${localTime(photo).slice(0, 19)}Z`),
        };
      }
    };
    await orProblem(async () => {
      const blob = await new Response(makeZip(entries())).blob();
      save(new Blob([blob], { type: "application/zip" }), `photos${packets.length > 1 ? `-${n + 1}` : ""}.zip`);
    });
  }
}

/** In order, each packet of at most so many bytes, or of one photo. */
export function packed<P extends Pick<Photo, "bytes">>(photos: readonly P[], most: number): P[][] {
  const packets: P[][] = [];
  let room = 0;
  for (const photo of photos) {
    if (photo.bytes > room || packets.length === 0) {
      packets.push([]);
      room = most;
    }
    packets.at(-1)?.push(photo);
    room -= photo.bytes;
  }
  return packets;
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
  await orProblem(async () => {
    if (ticket.bytes > LARGE && showSaveFilePicker) {
      const file = await showSaveFilePicker({ suggestedName: name });
      await fetchStream({ ...ticket } as never).pipeTo(await file.createWritable());
      return;
    }
    const opened = await new Response(fetchStream({ ...ticket } as never)).blob();
    save(new Blob([opened], { type }), name);
  });
}

async function orProblem(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (wasAborted(error)) return;
    throw error instanceof Problem ? error : new Problem("The download stopped. Check your connection and try again.");
  }
}
