package io.isthmus.neb;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.data.ImageSet;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AugmentedPassTest {
  private static final int SIZE = 5;
  private static final float[] MEAN = {0.4f, 0f};

  /** Every pixel of an image is different, and the channels differ by 100. */
  private static ImageSet images(int count) {
    byte[] pixels = new byte[count * 2 * SIZE * SIZE];
    int[] labels = new int[count];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (1 + i % (SIZE * SIZE) + 100 * (i / (SIZE * SIZE) % 2));
    }
    for (int i = 0; i < count; i++) {
      labels[i] = i % 3;
    }
    return new ImageSet("numbers", count, 2, SIZE, SIZE, 3, pixels, labels);
  }

  private static int pixel(ImageSet set, int image, int channel, int y, int x) {
    return set.images()[((image * 2 + channel) * SIZE + y) * SIZE + x] & 0xff;
  }

  @Test
  void everyImageIsAShiftedAndPossiblyMirroredCropOfItselfInAllChannelsAlike() {
    ImageSet original = images(400);
    ImageSet augmented = AugmentedPass.of(original, MEAN, 2, true, 5);
    Set<String> seen = new HashSet<>();
    for (int image = 0; image < original.count(); image++) {
      String found = null;
      for (int down = -2; down <= 2; down++) {
        for (int right = -2; right <= 2; right++) {
          for (boolean mirrored : new boolean[] {false, true}) {
            if (matches(original, augmented, image, down, right, mirrored)) {
              assertThat(found).isNull();
              found = down + " " + right + " " + mirrored;
            }
          }
        }
      }
      assertThat(found).isNotNull();
      seen.add(found);
    }
    assertThat(seen).hasSize(50);
    assertThat(augmented.labels()).isEqualTo(original.labels());
  }

  private static boolean matches(
      ImageSet original, ImageSet augmented, int image, int down, int right, boolean mirrored) {
    for (int channel = 0; channel < 2; channel++) {
      for (int y = 0; y < SIZE; y++) {
        for (int x = 0; x < SIZE; x++) {
          int fromY = y + down;
          int fromX = (mirrored ? SIZE - 1 - x : x) + right;
          boolean inside = fromY >= 0 && fromY < SIZE && fromX >= 0 && fromX < SIZE;
          int padding = channel == 0 ? 102 : 0;
          int expected = inside ? pixel(original, image, channel, fromY, fromX) : padding;
          if (pixel(augmented, image, channel, y, x) != expected) {
            return false;
          }
        }
      }
    }
    return true;
  }

  @Test
  void aSeedDrawsTheSamePassAgain() {
    ImageSet once = AugmentedPass.of(images(50), MEAN, 2, true, 5);

    assertThat(AugmentedPass.of(images(50), MEAN, 2, true, 5).images()).isEqualTo(once.images());
    assertThat(AugmentedPass.of(images(50), MEAN, 2, true, 6).images()).isNotEqualTo(once.images());
  }

  @Test
  void withoutPaddingAndFlipNothingChanges() {
    assertThat(AugmentedPass.of(images(9), MEAN, 0, false, 5).images())
        .isEqualTo(images(9).images());
  }
}
