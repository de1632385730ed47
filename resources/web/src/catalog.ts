/** The part of a hang catalog that we need. Pure. */

/** The video track's name. */
export const VIDEO = "video";

/** What the catalog says of the video. */
export interface VideoConfig {
  codec: string;
  width: number;
  height: number;
}

/** The video's rendition in a hang catalog; undefined if there is none that we can take. */
export function videoConfig(catalog: unknown): VideoConfig | undefined {
  const rendition = at(catalog, "video", "renditions", VIDEO);
  const [codec, width, height] = ["codec", "codedWidth", "codedHeight"].map((name) => at(rendition, name));
  if (typeof codec !== "string" || typeof width !== "number" || typeof height !== "number") return undefined;
  return { codec, width, height };
}

function at(value: unknown, ...path: string[]): unknown {
  let here = value;
  for (const name of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Record<string, unknown>)[name];
  }
  return here;
}
