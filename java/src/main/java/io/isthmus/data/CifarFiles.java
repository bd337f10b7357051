package io.isthmus.data;

import io.isthmus.config.NamedData;
import java.util.List;

/**
 * CIFAR-10 and CIFAR-100 in their binary versions: per image one label byte (CIFAR-100: the coarse
 * label, then the fine one, which is used), then 1024 red, 1024 green and 1024 blue bytes, row by
 * row.
 */
final class CifarFiles {
  private CifarFiles() {}

  /** All images of some of the files, in their order. */
  static ImageSet read(
      OfficialFolder folder, NamedData set, String part, List<OfficialFile> files) {
    int labelBytes = set == NamedData.CIFAR100 ? 2 : 1;
    int pixels = set.channels() * set.height() * set.width();
    int record = labelBytes + pixels;
    int count = (int) (files.stream().mapToLong(OfficialFile::bytes).sum() / record);
    byte[] images = new byte[count * pixels];
    int[] labels = new int[count];
    int at = 0;
    for (OfficialFile file : files) {
      byte[] content = folder.read(file);
      for (int from = 0; from < content.length; from += record) {
        int label = Byte.toUnsignedInt(content[from + labelBytes - 1]);
        if (label >= set.classes()) {
          throw folder.damaged(
              file,
              "gives image "
                  + from / record
                  + " the label "
                  + label
                  + ", but there are only "
                  + set.classes()
                  + " classes");
        }
        labels[at] = label;
        System.arraycopy(content, from + labelBytes, images, at * pixels, pixels);
        at++;
      }
    }
    return new ImageSet(
        set.key() + " " + part,
        count,
        set.channels(),
        set.height(),
        set.width(),
        set.classes(),
        images,
        labels);
  }
}
