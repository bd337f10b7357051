package io.isthmus.data;

import io.isthmus.config.NamedData;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * MNIST and Fashion-MNIST: IDX files, big-endian. Images: magic 0x803, count, height, width, then
 * unsigned bytes; labels: magic 0x801, count, then bytes.
 */
final class IdxFiles {
  private static final int IMAGES = 0x803;
  private static final int LABELS = 0x801;

  private IdxFiles() {}

  static ImageSet read(
      OfficialFolder folder,
      NamedData set,
      String part,
      int count,
      OfficialFile imageFile,
      OfficialFile labelFile) {
    byte[] images = folder.read(imageFile);
    checkHeader(folder, imageFile, images, IMAGES, count, set.height(), set.width());
    byte[] marks = folder.read(labelFile);
    checkHeader(folder, labelFile, marks, LABELS, count);
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = Byte.toUnsignedInt(marks[8 + i]);
      if (labels[i] >= set.classes()) {
        throw folder.damaged(
            labelFile,
            "gives image "
                + i
                + " the label "
                + labels[i]
                + ", but there are only "
                + set.classes()
                + " classes");
      }
    }
    return new ImageSet(
        set.key() + " " + part,
        count,
        1,
        set.height(),
        set.width(),
        set.classes(),
        Arrays.copyOfRange(images, 16, images.length),
        labels);
  }

  private static void checkHeader(
      OfficialFolder folder, OfficialFile file, byte[] content, int magic, int... dimensions) {
    ByteBuffer header = ByteBuffer.wrap(content);
    int found = header.getInt();
    if (found != magic) {
      throw folder.damaged(
          file, "begins with %08x instead of %08x, the mark of its kind".formatted(found, magic));
    }
    for (int expected : dimensions) {
      int dimension = header.getInt();
      if (dimension != expected) {
        throw folder.damaged(file, "says " + dimension + " where " + expected + " must stand");
      }
    }
  }
}
