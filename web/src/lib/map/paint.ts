/** Draws land, borders and names of countries onto a canvas. */
import type { Atlas, Land } from "./atlas";
import { scaleOf, type Size, type View } from "./projection";

export interface Colours {
  sea: string;
  land: string;
  border: string;
  text: string;
}

/** Pixels: points that are nearer to the last one than this are left out. */
const FINENESS = 0.8;
/** A line along the edge of the world is a cut there, and no coast. */
const EDGE = 1e-4;

export function paint(canvas: CanvasRenderingContext2D, atlas: Atlas, view: View, size: Size, colours: Colours): void {
  const scale = scaleOf(view.zoom);
  const [left, top] = [view.x - size.width / scale / 2, view.y - size.height / scale / 2];
  const [right, bottom] = [view.x + size.width / scale / 2, view.y + size.height / scale / 2];
  canvas.fillStyle = colours.sea;
  canvas.fillRect(0, 0, size.width, size.height);
  canvas.fillStyle = colours.land;
  canvas.strokeStyle = colours.border;
  canvas.lineWidth = view.zoom < 3 ? 0.6 : 0.9;
  canvas.lineJoin = "round";
  // Land over the antimeridian reaches into the copy beside its own.
  for (let copy = Math.floor(left) - 1; copy <= Math.floor(right) + 1; copy += 1) {
    for (const land of atlas.lands) {
      if (land.west + copy > right || land.east + copy < left || land.north > bottom || land.south < top) continue;
      if (Math.max(land.east - land.west, land.south - land.north) * scale < FINENESS) continue;
      outline(
        canvas,
        land,
        (x) => (x + copy - left) * scale,
        (y) => (y - top) * scale,
        false,
      );
      canvas.fill("evenodd");
      outline(
        canvas,
        land,
        (x) => (x + copy - left) * scale,
        (y) => (y - top) * scale,
        true,
      );
      canvas.stroke();
    }
  }
  name(canvas, atlas, { left, right, top, scale }, size, colours);
}

type Along = (value: number) => number;

function outline(canvas: CanvasRenderingContext2D, { rings }: Land, across: Along, down: Along, cut: boolean): void {
  canvas.beginPath();
  for (const ring of rings) {
    let [lastX, lastY] = [Infinity, Infinity];
    const end = ring.length - 2;
    for (let at = 0; at <= end; at += 2) {
      const [worldX, worldY] = [ring[at] as number, ring[at + 1] as number];
      const [x, y] = [across(worldX), down(worldY)];
      if (at === 0) canvas.moveTo(x, y);
      else if (cut && onEdge(worldX, worldY) && onEdge(ring[at - 2] as number, ring[at - 1] as number))
        canvas.moveTo(x, y);
      else if (at === end || Math.abs(x - lastX) > FINENESS || Math.abs(y - lastY) > FINENESS) canvas.lineTo(x, y);
      else continue;
      [lastX, lastY] = [x, y];
    }
  }
}

const onEdge = (x: number, y: number): boolean => Math.abs(x - Math.round(x)) < EDGE || y > 1 - EDGE;

interface Window {
  left: number;
  right: number;
  top: number;
  scale: number;
}

/** Countries that are wide enough for their name; of two that would overlap, the larger. */
function name(canvas: CanvasRenderingContext2D, { names }: Atlas, window: Window, size: Size, colours: Colours): void {
  const taken: [number, number, number, number][] = [];
  canvas.font = "600 12px system-ui, sans-serif";
  canvas.textAlign = "center";
  canvas.textBaseline = "middle";
  canvas.fillStyle = colours.text;
  canvas.strokeStyle = colours.land;
  canvas.lineWidth = 3;
  for (const { text, x, y, width } of names) {
    const room = width * window.scale;
    if (room < 40) break; // they are sorted by it
    const wide = canvas.measureText(text).width;
    if (wide > room * 0.9 || room > size.width * 4) continue;
    for (let copy = Math.floor(window.left) - 1; copy <= Math.floor(window.right) + 1; copy += 1) {
      const [across, down] = [(x + copy - window.left) * window.scale, (y - window.top) * window.scale];
      const box: [number, number, number, number] = [
        across - wide / 2 - 6,
        down - 12,
        across + wide / 2 + 6,
        down + 12,
      ];
      if (box[0] < 0 || box[2] > size.width || box[1] < 0 || box[3] > size.height) continue;
      if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]))
        continue;
      taken.push(box);
      canvas.strokeText(text, across, down);
      canvas.fillText(text, across, down);
    }
  }
}
