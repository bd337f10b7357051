package io.isthmus.report;

import io.isthmus.report.scene.SvgWriter;

/** Text of a page in the making: markup as it is, everything else escaped. */
final class Html {
  private final StringBuilder out = new StringBuilder();

  /** Markup from this program. */
  Html raw(String markup) {
    out.append(markup);
    return this;
  }

  /** Text from anywhere, as content or inside a quoted attribute. */
  Html text(Object text) {
    out.append(SvgWriter.escape(text.toString()));
    return this;
  }

  /** An element that holds nothing but text. */
  Html element(String name, Object text) {
    return raw("<" + name + ">").text(text).raw("</" + name.split(" ")[0] + ">\n");
  }

  /** The page so far. */
  @Override
  public String toString() {
    return out.toString();
  }
}
