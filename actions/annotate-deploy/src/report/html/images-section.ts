import { bytes, duration } from "../../format.ts";
import type { Image, ImagePlatform, ReportModel } from "../report-model.ts";
import { percent } from "./axis.ts";
import { html, type Html } from "./html.ts";

const COLOURS = 4;

/** The layers of every platform, drawn to one scale. */
export function imagesSection({ images }: ReportModel): Html | null {
  if (images.length === 0) return null;
  return html`<section id="images">
    <header>
      <h2>${images.length === 1 ? "Image" : "Images"}</h2>
      <p>
        What a pull transfers at most, layer by
        layer${images.length > 1 ? "" : ", drawn to one scale"}.
      </p>
    </header>
    ${images.map(oneImage)}
  </section>`;
}

function oneImage(image: Image): Html {
  const most = Math.max(...image.platforms.map(({ size }) => size), 1);
  const { push } = image;
  return html`<article class="image">
    <dl class="facts">
      <dt>Reference</dt>
      <dd><code>${image.reference}</code></dd>
      ${
        image.tags.length > 0 &&
        html`<dt>Tags</dt>
          <dd>${image.tags.map((tag) => html`<code>${tag}</code> `)}</dd>`
      }
      <dt>Program</dt>
      <dd>
        <code>${image.main}</code
        >${image.commit !== "" && html` at <code>${image.commit.slice(0, 12)}</code>`}, built in
        ${duration(image.totalMs)}
      </dd>
      ${
        push !== null &&
        html`<dt>Pushed</dt>
          <dd>
            ${bytes(push.uploadedBytes)} sent, ${bytes(push.reusedBytes)} already there, in
            ${duration(push.ms)}
          </dd>`
      }
    </dl>
    ${image.platforms.map((platform) => platformBlock(platform, most))}
  </article>`;
}

function platformBlock(platform: ImagePlatform, most: number): Html {
  let left = 0;
  const bars = platform.layers.map((layer, index) => {
    const width = percent(layer.size, most);
    const rect = html`<rect
      class="f-layer-${(index % COLOURS) + 1}"
      x="${left}%"
      width="${Math.max(0.3, width)}%"
      height="100%"
      ><title>${layer.name}: ${bytes(layer.size)}</title></rect
    >`;
    left += width;
    return rect;
  });
  return html`<h3 class="sub">${platform.name} · ${bytes(platform.size)}</h3>
    <p class="small muted">
      binary ${bytes(platform.binarySize)}, compiled in ${duration(platform.buildMs)} ·
      <code>${platform.digest.slice(0, 19)}…</code>
    </p>
    <div class="bar stack">
      <svg role="img" aria-label="layers of ${platform.name}">${bars}</svg>
    </div>
    <ul class="legend">
      ${platform.layers.map(
        (layer, index) =>
          html`<li>
            <span class="swatch f-layer-${(index % COLOURS) + 1}"></span>${layer.name} ·
            ${bytes(layer.size)}
          </li>`,
      )}
    </ul>`;
}
