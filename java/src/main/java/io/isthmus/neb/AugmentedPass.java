package io.isthmus.neb;

import io.isthmus.data.ImageSet;
import java.util.Arrays;
import java.util.Random;

/**
 * One pass over a training set with random crops and flips, drawn once: the images on which the
 * {@code official} preset takes its training loss. (The authors' code draws anew for every point;
 * with one draw for all of them, points differ by their parameters alone.)
 */
final class AugmentedPass {
  private AugmentedPass() {}

  /**
   * Pads every image, crops it at a random place and mirrors it with probability 1/2.
   *
   * @param mean per channel, of pixels in 0..1: what normalisation makes zero. The padding is the
   *     nearest of the 256 pixel values, exactly zero for images that are not normalised.
   * @param padding pixels around the image, at least 0
   */
  static ImageSet of(ImageSet set, float[] mean, int padding, boolean flip, long seed) {
    var random = new Random(seed);
    int height = set.height();
    int width = set.width();
    byte[] images = new byte[set.images().length];
    for (int image = 0; image < set.count(); image++) {
      int down = random.nextInt(2 * padding + 1) - padding;
      int right = random.nextInt(2 * padding + 1) - padding;
      boolean mirrored = flip && random.nextBoolean();
      for (int channel = 0; channel < set.channels(); channel++) {
        int start = (image * set.channels() + channel) * height * width;
        Arrays.fill(images, start, start + height * width, (byte) Math.round(255 * mean[channel]));
        for (int y = Math.max(0, -down); y < Math.min(height, height - down); y++) {
          for (int x = Math.max(0, -right); x < Math.min(width, width - right); x++) {
            images[start + y * width + (mirrored ? width - 1 - x : x)] =
                set.images()[start + (y + down) * width + x + right];
          }
        }
      }
    }
    return new ImageSet(
        set.name() + ", augmented",
        set.count(),
        set.channels(),
        height,
        width,
        set.classes(),
        images,
        set.labels());
  }
}
