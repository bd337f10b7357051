package io.isthmus.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.NamedData;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The published binary formats, on small files of the same layout. */
class OfficialFilesTest {
  private static final int COUNT = 3;

  @TempDir Path folder;

  // --- CIFAR

  private static byte[] cifar(NamedData set) {
    int labelBytes = set == NamedData.CIFAR100 ? 2 : 1;
    byte[] content = new byte[COUNT * (labelBytes + 3072)];
    new Random(1).nextBytes(content);
    for (int i = 0; i < COUNT; i++) {
      content[i * (labelBytes + 3072)] = 1; // CIFAR-100: the coarse label
      content[i * (labelBytes + 3072) + labelBytes - 1] = (byte) (i + 7);
    }
    return content;
  }

  private ImageSet readCifar(NamedData set, int bytes, int files) {
    List<OfficialFile> all =
        List.of(new OfficialFile("a.bin", bytes, null), new OfficialFile("b.bin", bytes, null));
    return CifarFiles.read(folder(set), set, "train", all.subList(0, files));
  }

  private OfficialFolder folder(NamedData set) {
    DataSetInfo info = new DataSetInfo(set, "t", "l", "the archive", "unpacked", List.of());
    return new OfficialFolder(info, folder);
  }

  @Test
  void cifarIsReadRecordByRecord() throws IOException {
    for (NamedData set : List.of(NamedData.CIFAR10, NamedData.CIFAR100)) {
      byte[] content = cifar(set);
      Files.write(folder.resolve("a.bin"), content);
      Files.write(folder.resolve("b.bin"), content);
      ImageSet images = readCifar(set, content.length, 2);
      assertThat(images.count()).isEqualTo(2 * COUNT);
      assertThat(images.classes()).isEqualTo(set.classes());
      assertThat(images.labels()).containsExactly(7, 8, 9, 7, 8, 9);
      int record = content.length / COUNT;
      for (int p : new int[] {0, 1, 1024, 3071}) {
        assertThat(images.images()[4 * 3072 + p]).isEqualTo(content[2 * record - 3072 + p]);
      }
    }
  }

  @Test
  void archivesOwnFolderIsFound() throws IOException {
    Files.write(
        Files.createDirectory(folder.resolve("unpacked")).resolve("a.bin"),
        cifar(NamedData.CIFAR10));
    assertThat(readCifar(NamedData.CIFAR10, 3073 * COUNT, 1).count()).isEqualTo(COUNT);
  }

  @Test
  void damagedCifarIsRefusedInOneSentence() throws IOException {
    byte[] content = cifar(NamedData.CIFAR10);
    Path file = folder.resolve("a.bin");
    Supplier<ImageSet> read = () -> readCifar(NamedData.CIFAR10, content.length, 1);
    String where = "cifar10: " + file;
    assertRefused(read, ExitCode.IO, where + " is missing; put the archive into " + folder);

    content[2 * 3073] = 10;
    Files.write(file, content);
    assertRefused(
        read,
        ExitCode.DATA,
        where + " gives image 2 the label 10, but there are only 10 classes; put the archive");

    Files.write(file, new byte[100]);
    assertRefused(read, ExitCode.DATA, where + " holds 100 bytes instead of 9219; put");
    Files.write(file, new byte[10_000]);
    assertRefused(read, ExitCode.DATA, where + " holds more than the 9219 bytes it should; put");
    Files.delete(file);
    Files.createDirectory(file);
    assertRefused(read, ExitCode.IO, "cifar10: cannot read " + file + ": ");
  }

  @Test
  void checksumIsCompared() throws IOException {
    Files.write(folder.resolve("a"), new byte[] {1, 2, 3});
    String sum = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81";
    OfficialFolder files = folder(NamedData.CIFAR10);
    assertThat(files.read(new OfficialFile("a", 3, sum))).containsExactly(1, 2, 3);
    assertThat(files.check(new OfficialFile("a", 3, sum)).state()).isEqualTo(FileCheck.State.OK);
    assertThat(files.check(new OfficialFile("a", 3, null)).state())
        .isEqualTo(FileCheck.State.UNVERIFIED);
    String other = "1" + sum.substring(1);
    assertRefused(
        () -> files.read(new OfficialFile("a", 3, other)),
        ExitCode.DATA,
        "cifar10: "
            + folder.resolve("a")
            + " is not the published file: its SHA-256 is "
            + sum
            + " instead of "
            + other
            + "; put");
    assertThat(files.check(new OfficialFile("a", 3, other)).line())
        .startsWith("damaged    " + folder.resolve("a"));
  }

  // --- IDX

  private static byte[] idxImages() {
    ByteBuffer buffer = ByteBuffer.allocate(16 + COUNT * 784);
    buffer.putInt(0x803).putInt(COUNT).putInt(28).putInt(28);
    for (int i = 0; i < COUNT * 784; i++) {
      buffer.put((byte) (i % 251));
    }
    return buffer.array();
  }

  private static byte[] idxLabels() {
    return ByteBuffer.allocate(8 + COUNT)
        .putInt(0x801)
        .putInt(COUNT)
        .put(new byte[] {9, 0, 4})
        .array();
  }

  private static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    }
    return bytes.toByteArray();
  }

  private ImageSet readIdx() {
    return IdxFiles.read(
        folder(NamedData.MNIST),
        NamedData.MNIST,
        "train",
        COUNT,
        new OfficialFile("images", idxImages().length, null),
        new OfficialFile("labels", idxLabels().length, null));
  }

  @Test
  void idxIsReadPlainAndCompressed() throws IOException {
    Files.write(folder.resolve("images.gz"), gzip(idxImages()));
    Files.write(folder.resolve("labels"), idxLabels());
    ImageSet set = readIdx();
    assertThat(set.labels()).containsExactly(9, 0, 4);
    assertThat(set.images()).hasSize(COUNT * 784);
    assertThat(set.images()[0]).isZero();
    assertThat(set.images()[784]).isEqualTo((byte) (784 % 251));
  }

  @Test
  void damagedIdxIsRefusedInOneSentence() throws IOException {
    byte[] images = idxImages();
    Files.write(folder.resolve("images"), images);
    byte[] labels = idxLabels();
    labels[10] = 12;
    Files.write(folder.resolve("labels"), labels);
    assertRefused(
        this::readIdx,
        ExitCode.DATA,
        "mnist: "
            + folder.resolve("labels")
            + " gives image 2 the label 12, but there are only 10 classes; put the archive into ");

    images[3] = 1;
    Files.write(folder.resolve("images"), images);
    assertRefused(
        this::readIdx,
        ExitCode.DATA,
        "mnist: "
            + folder.resolve("images")
            + " begins with 00000801 instead of 00000803, the mark of its kind; put");
    images[3] = 3;
    images[11] = 27;
    Files.write(folder.resolve("images"), images);
    assertRefused(
        this::readIdx,
        ExitCode.DATA,
        "mnist: " + folder.resolve("images") + " says 27 where 28 must stand; put");
  }

  @Test
  void damagedCompressionIsRefusedInOneSentence() throws IOException {
    byte[] packed = gzip(idxImages());
    Path file = folder.resolve("images.gz");
    Files.write(folder.resolve("labels"), idxLabels());
    Files.write(file, java.util.Arrays.copyOf(packed, packed.length / 2));
    assertRefused(this::readIdx, ExitCode.DATA, "mnist: " + file + " is cut off; put");
    Files.write(file, new byte[0]);
    assertRefused(this::readIdx, ExitCode.DATA, "mnist: " + file + " is cut off; put");
    Files.write(file, idxImages());
    assertRefused(
        this::readIdx,
        ExitCode.DATA,
        "mnist: " + file + " is not a sound gzip file (Not in GZIP format); put");
    Files.write(file, gzip(new byte[50_000_000])); // unpacks to far more than it should
    assertRefused(
        this::readIdx, ExitCode.DATA, "mnist: " + file + " holds more than the 2368 bytes");
  }

  @Test
  void nothingButItsOwnExceptionComesOutOfDamagedFiles() throws IOException {
    byte[] packed = gzip(idxImages());
    byte[] cifar = cifar(NamedData.CIFAR100);
    Files.write(folder.resolve("labels"), idxLabels());
    int refused = 0;
    for (int seed = 0; seed < 300; seed++) {
      Files.write(folder.resolve("images.gz"), damaged(packed, new Random(seed)));
      refused += refuses(this::readIdx);
      Files.write(folder.resolve("a.bin"), damaged(cifar, new Random(seed)));
      refused += refuses(() -> readCifar(NamedData.CIFAR100, cifar.length, 1));
    }
    assertThat(refused).isGreaterThan(200);
  }

  private static byte[] damaged(byte[] content, Random random) {
    byte[] copy = content.clone();
    if (random.nextInt(3) == 0) {
      return java.util.Arrays.copyOf(copy, random.nextInt(2 * copy.length));
    }
    for (int i = 0; i <= random.nextInt(4); i++) {
      copy[random.nextInt(random.nextBoolean() ? 20 : copy.length)] ^=
          (byte) (1 + random.nextInt(255));
    }
    return copy;
  }

  private static int refuses(Supplier<ImageSet> read) {
    try {
      read.get();
      return 0;
    } catch (IsthmusException e) {
      assertThat(e.code()).isIn(ExitCode.DATA, ExitCode.IO);
      return 1;
    }
  }

  private static void assertRefused(Supplier<?> read, ExitCode code, String start) {
    assertThatThrownBy(read::get)
        .isInstanceOfSatisfying(IsthmusException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageStartingWith(start);
  }
}
