/** The picture that is searched by, as small as it may be: what it shows is seen in a small copy, and sent in less time. */

/** Pixels of a copy's longer side, and bytes from which on one is made. */
const LONGEST = 1024;
const LARGE = 1_000_000;

/** A smaller copy, or the picture itself where it is small or this browser cannot read it. */
export async function smaller(picture: File): Promise<Blob> {
  if (picture.size <= LARGE) return picture;
  try {
    const whole = await createImageBitmap(picture); // upright
    const scale = Math.min(1, LONGEST / Math.max(whole.width, whole.height));
    const canvas = new OffscreenCanvas(
      Math.max(1, Math.round(whole.width * scale)),
      Math.max(1, Math.round(whole.height * scale)),
    );
    const context = canvas.getContext("2d");
    if (!context) return picture;
    context.imageSmoothingQuality = "high";
    context.drawImage(whole, 0, 0, canvas.width, canvas.height);
    whole.close();
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
  } catch {
    return picture; // such as HEIC in most browsers: the vault reads it
  }
}

/** A picture among what was pasted, unless text came with it that goes into the field where it is pasted. */
export function pasted({ clipboardData: data, target }: ClipboardEvent): File | null {
  const picture = [...(data?.files ?? [])].find(({ type }) => type.startsWith("image/")) ?? null;
  const isField = target instanceof Element && target.closest("input, textarea, [contenteditable]") !== null;
  return isField && data?.types.some((type) => type.startsWith("text/")) ? null : picture;
}
