/** Photos are sealed here, before they leave: what lies in the storage for seconds is ciphertext too. */
import { sealStream } from "../../../vault/envelope.js";
import type { Schemas } from "../api";

export type Seal = Schemas["UploadSeal"];

/** The envelope of a file. Throws `NotReadableError` when the file cannot be read any more. */
export async function seal(file: File, how: Seal): Promise<Blob> {
  const address = { user_id: how.user_id, image_id: how.image_id, name: how.name, key: how.key };
  return new Response(sealStream(address, file.stream(), file.size)).blob();
}
