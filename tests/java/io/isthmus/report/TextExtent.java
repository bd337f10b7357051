package io.isthmus.report;

import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Mark;
import io.isthmus.report.scene.Scene;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Where the texts of a scene lie. */
final class TextExtent {
  private TextExtent() {}

  static Map<String, Box> of(Scene scene) {
    Map<String, Box> extents = new LinkedHashMap<>();
    collect(scene.marks(), extents);
    return extents;
  }

  private static void collect(List<Mark> marks, Map<String, Box> extents) {
    for (Mark mark : marks) {
      if (mark instanceof Mark.Group group) {
        collect(group.marks(), extents);
      } else if (mark instanceof Mark.Text text) {
        double width = text.face().width(text.text(), text.size());
        double left =
            switch (text.anchor()) {
              case START -> text.x();
              case MIDDLE -> text.x() - width / 2;
              case END -> text.x() - width;
            };
        extents.put(
            text.text() + " at " + text.x() + ", " + text.y(),
            new Box(left, text.y() - 0.75 * text.size(), width, text.size()));
      }
    }
  }
}
