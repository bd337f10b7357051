package io.isthmus.report.scene;

/**
 * The colours of a scene, by what they are for. A colour is a default for paper and a CSS custom
 * property of the same name in lower case, so that a page can restyle an embedded drawing for a
 * dark background. No two curves of a figure differ by colour alone.
 */
public enum Ink {
  /** Background. */
  PAPER(0xffffff),
  /** Text and frames. */
  INK(0x1c2024),
  /** Secondary text. */
  MUTED(0x5c636b),
  /** Axes and thin connections. */
  FAINT(0xa7adb5),
  /** Grid lines at labelled values. */
  GRID(0xdfe2e6),
  /** Grid lines between labelled values. */
  MINOR(0xf0f1f3),
  /** The main curve. */
  PRIMARY(0x0b5fa5),
  /** What the main curve is held against. */
  SECONDARY(0xc8540a),
  /** A third series. */
  TERTIARY(0x1a7f5a),
  /** A light area in the main curve's colour. */
  WASH(0xdbe8f4);

  private final int rgb;

  Ink(int rgb) {
    this.rgb = rgb;
  }

  /** The colour on paper, {@code 0xRRGGBB}. */
  public int rgb() {
    return rgb;
  }

  /** The colour on paper as SVG and CSS write it. */
  public String hex() {
    return String.format("#%06x", rgb);
  }

  /** Name of its CSS custom property. */
  public String property() {
    return "--" + name().toLowerCase(java.util.Locale.ROOT);
  }
}
