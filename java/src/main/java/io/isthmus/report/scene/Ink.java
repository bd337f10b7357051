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
  WASH(0xdbe8f4),
  /**
   * The lowest band of a contour plot; each next one is farther from the paper by the same
   * lightness.
   */
  BAND0(0xf9f7ee),
  /** Band 1 of a contour plot. */
  BAND1(0xf0e1ce),
  /** Band 2 of a contour plot. */
  BAND2(0xe9c9b4),
  /** Band 3 of a contour plot. */
  BAND3(0xe2b19f),
  /** Band 4 of a contour plot. */
  BAND4(0xd89892),
  /** Band 5 of a contour plot. */
  BAND5(0xca828a),
  /** Band 6 of a contour plot. */
  BAND6(0xb86d85),
  /** Band 7 of a contour plot. */
  BAND7(0xa25a82),
  /** Band 8 of a contour plot. */
  BAND8(0x8b4a7e),
  /** Band 9 of a contour plot. */
  BAND9(0x713c78),
  /** Band 10 of a contour plot. */
  BAND10(0x58306f),
  /** Band 11 of a contour plot. */
  BAND11(0x3f2562);

  /** How many bands a contour plot can have. */
  public static final int BANDS = 12;

  private final int rgb;

  Ink(int rgb) {
    this.rgb = rgb;
  }

  /** The colour of one of so many bands, which are spread over all shades; 0 is the lowest. */
  public static Ink band(int index, int count) {
    int shade = count < 2 ? 0 : Math.round((BANDS - 1f) * index / (count - 1));
    return values()[BAND0.ordinal() + shade];
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
