/** Where a picture stands on its stage. Pure. Lengths are pixels of the stage, from its middle. */
export interface Stand {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export const WHOLE: Stand = { scale: 1, x: 0, y: 0 };

/** The largest size of a picture that the stage holds. Small pictures are blown up to twice their size at most. */
export function fitted(picture: Size, stage: Size): Size {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height, 2);
  return { width: picture.width * scale, height: picture.height * scale };
}

/** How far in one may go: until each pixel of the picture is two of the screen's, and three times in any case. */
export function farthest(picture: Size, fit: Size): number {
  return Math.max(3, (2 * picture.width) / Math.max(1, fit.width));
}

/** Change the scale, with what is at a point of the stage staying there. */
export function zoomed(stand: Stand, scale: number, at: { x: number; y: number }): Stand {
  const by = scale / stand.scale;
  return { scale, x: at.x - (at.x - stand.x) * by, y: at.y - (at.y - stand.y) * by };
}

/** The nearest standing in which no edge of the picture is farther in than need be, between whole and `most`. */
export function held(stand: Stand, fit: Size, stage: Size, most: number): Stand {
  const scale = Math.min(most, Math.max(1, stand.scale));
  const freeX = Math.max(0, (fit.width * scale - stage.width) / 2);
  const freeY = Math.max(0, (fit.height * scale - stage.height) / 2);
  return {
    scale,
    x: Math.min(freeX, Math.max(-freeX, stand.x)) || 0,
    y: Math.min(freeY, Math.max(-freeY, stand.y)) || 0,
  };
}
