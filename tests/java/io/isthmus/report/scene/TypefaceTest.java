package io.isthmus.report.scene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.geom.Rectangle2D;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The reader of the bundled letters against numbers that fontTools gives for the same files. */
class TypefaceTest {
  @Test
  void widths_are_the_sums_of_the_advances() {
    assertThat(Typeface.REGULAR.width("minimum 12", 1)).isEqualTo(5.87255859375);
    assertThat(Typeface.REGULAR.width("Δé×⁻⁵", 10)).isCloseTo(27.94921875, within(1e-9));
    assertThat(Typeface.BOLD.width("0.0162 ± 0.0009", 1)).isEqualTo(8.2841796875);
    assertThat(Typeface.REGULAR.width("", 12)).isZero();
  }

  @Test
  void outlines_have_the_bounds_of_the_glyphs() {
    // In units of 1/2048, y upwards: o spans (104, -24) to (1124, 1132); é has an accent to 1558.
    assertBounds(Typeface.REGULAR, "o", 104, -24, 1124, 1132);
    assertBounds(Typeface.REGULAR, "é", 104, -24, 1094, 1558);
    assertBounds(Typeface.BOLD, "8", 110, -20, 1215, 1510);
  }

  private static void assertBounds(
      Typeface face, String text, double left, double low, double right, double high) {
    Rectangle2D bounds = Tight.bounds(face.outline(text, 2048));
    assertThat(bounds.getMinX()).isCloseTo(left, within(1.0));
    assertThat(bounds.getMaxX()).isCloseTo(right, within(1.0));
    assertThat(-bounds.getMaxY()).isCloseTo(low, within(1.0));
    assertThat(-bounds.getMinY()).isCloseTo(high, within(1.0));
  }

  @ParameterizedTest
  @EnumSource(Typeface.class)
  void every_character_can_be_drawn_and_unknown_ones_are_a_box(Typeface face) {
    double box = face.width("\ue000", 1);
    assertThat(face.outline("\ue000", 10).getBounds2D().isEmpty()).isFalse();
    assertThat(face.width("\ud83d\ude00", 1)).isEqualTo(box);
    int known = 0;
    for (int c = 0; c < 0x10000; c++) {
      String text = Character.toString(c);
      face.outline(text, 12);
      known += face.width(text, 1) == box ? 0 : 1;
    }
    assertThat(known).isGreaterThan(400);
  }

  @Test
  void all_characters_that_numbers_are_written_with_are_there() {
    Rectangle2D box = Typeface.REGULAR.outline("\ue000", 1).getBounds2D();
    "0123456789−–±×·⁰¹²³⁴⁵⁶⁷⁸⁹⁻∞’%+"
        .codePoints()
        .forEach(
            c ->
                assertThat(Typeface.REGULAR.outline(Character.toString(c), 1).getBounds2D())
                    .as(Character.toString(c))
                    .isNotEqualTo(box));
  }

  @Test
  void digits_are_equally_wide() {
    for (char digit = '0'; digit <= '9'; digit++) {
      assertThat(Typeface.REGULAR.width(String.valueOf(digit), 1))
          .isEqualTo(Typeface.REGULAR.width("0", 1));
    }
  }
}
