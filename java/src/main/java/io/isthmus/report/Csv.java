package io.isthmus.report;

/** A comma-separated file (RFC 4180): numbers in full, nothing for a number that does not exist. */
final class Csv {
  private final StringBuilder text = new StringBuilder();
  private final int columns;

  Csv(String... header) {
    columns = header.length;
    row((Object[]) header);
  }

  /** Adds a line; one cell per column. */
  void row(Object... cells) {
    if (cells.length != columns) {
      throw new IllegalArgumentException(
          "Csv: a row needs " + columns + " cells, got " + cells.length);
    }
    for (int i = 0; i < cells.length; i++) {
      text.append(i == 0 ? "" : ",").append(cell(cells[i]));
    }
    text.append('\n');
  }

  /** The whole file. */
  String text() {
    return text.toString();
  }

  private static String cell(Object value) {
    if (value instanceof Double number) {
      return number.isNaN() ? "" : number.toString();
    }
    String text = value.toString();
    return text.matches("[^\",\r\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
  }
}
