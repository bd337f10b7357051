package io.isthmus.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.config.DataConfig;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.NamedData;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The catalogue, the sets that come along, and what happens when files are not there. */
class DataSetsTest {
  @TempDir Path folder;

  private static DataConfig config(String name, boolean normalise, int trainLimit, int testLimit) {
    return new DataConfig(name, null, null, normalise, 0, false, trainLimit, testLimit);
  }

  @Test
  void catalogueAgreesWithItself() {
    assertThat(DataSets.catalogue().stream().map(DataSetInfo::set))
        .containsExactly(NamedData.values());
    for (DataSetInfo info : DataSets.catalogue()) {
      NamedData set = info.set();
      assertThat(info.bundled()).isEqualTo(info.source().isEmpty());
      long images = set.trainCount() + set.testCount();
      long pixels = images * set.channels() * set.height() * set.width();
      long bytes = info.files().stream().mapToLong(OfficialFile::bytes).sum();
      switch (set) {
        case CIFAR10 -> assertThat(bytes).isEqualTo(pixels + images);
        case CIFAR100 -> assertThat(bytes).isEqualTo(pixels + 2 * images);
        case MNIST, FASHION_MNIST -> assertThat(bytes).isEqualTo(pixels + images + 2 * (16 + 8));
        default -> assertThat(bytes).isZero();
      }
      assertThat(info.files())
          .allMatch(file -> file.sha256() == null || file.sha256().matches("[0-9a-f]{64}"))
          .extracting(OfficialFile::sha256)
          .filteredOn(sum -> sum != null)
          .doesNotHaveDuplicates();
    }
  }

  @Test
  void digitsAreTheOnesTheUniversityPublished() throws Exception {
    try (InputStream in = DataSets.class.getResourceAsStream("digits.csv.gz")) {
      byte[] sum = MessageDigest.getInstance("SHA-256").digest(in.readAllBytes());
      assertThat(HexFormat.of().formatHex(sum))
          .isEqualTo("09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22");
    }
    DataSource digits = DataSets.load(config("digits", true, 0, 0));
    assertThat(digits.train().count()).isEqualTo(NamedData.DIGITS.trainCount());
    assertThat(digits.test().count()).isEqualTo(NamedData.DIGITS.testCount());
    // The first line of the file is a zero; its row 0 is 0,0,5,13,9,1,0,0 of 16.
    assertThat(digits.train().labels()[0]).isZero();
    assertThat(Arrays.copyOf(digits.train().images(), 8))
        .containsExactly(0, 0, 80, (byte) 207, (byte) 143, 16, 0, 0);
    // The fifth line, a four, is the first test image.
    assertThat(digits.test().labels()[0]).isEqualTo(4);
    for (ImageSet part : new ImageSet[] {digits.train(), digits.test()}) {
      long most = IntStream.range(0, 10).mapToLong(label -> count(part, label)).max().getAsLong();
      assertThat(most).isLessThan(part.count() / 6);
    }
  }

  private static long count(ImageSet set, int label) {
    return Arrays.stream(set.labels()).filter(l -> l == label).count();
  }

  @Test
  void digitsAreNormalised() {
    DataSource digits = DataSets.load(config("digits", true, 0, 0));
    double sum = 0;
    double squares = 0;
    for (byte b : digits.train().images()) {
      double x = ((b & 0xff) / 255.0 - digits.mean()[0]) / digits.std()[0];
      sum += x;
      squares += x * x;
    }
    int n = digits.train().images().length;
    assertThat(sum / n).isCloseTo(0, org.assertj.core.data.Offset.offset(1e-6));
    assertThat(squares / n).isCloseTo(1, org.assertj.core.data.Offset.offset(1e-6));
  }

  @Test
  void withoutNormalisationPixelsStayBetweenZeroAndOne() {
    DataSource digits = DataSets.load(config("digits", false, 0, 0));
    assertThat(digits.mean()).containsExactly(0);
    assertThat(digits.std()).containsExactly(1);
  }

  @Test
  void limitsTakeTheFirstImages() {
    ImageSet all = DataSets.load(config("digits", true, 0, 0)).train();
    DataSource few = DataSets.load(config("digits", true, 100, 7));
    assertThat(few.train().count()).isEqualTo(100);
    assertThat(few.test().count()).isEqualTo(7);
    assertThat(few.train().labels()).isEqualTo(Arrays.copyOf(all.labels(), 100));
    assertThat(few.train().images()).isEqualTo(Arrays.copyOf(all.images(), 6400));
    assertThat(DataSets.load(config("digits", true, 9999, 0)).train().count())
        .isEqualTo(all.count());
  }

  @Test
  void exclusiveOrIsNormalisedToTheSquare() {
    DataSource xor = DataSets.load(config("xor", true, 0, 0));
    for (int i = 0; i < 4; i++) {
      double x = ((xor.train().images()[2 * i] & 0xff) / 255.0 - xor.mean()[0]) / xor.std()[0];
      double y = ((xor.train().images()[2 * i + 1] & 0xff) / 255.0 - xor.mean()[1]) / xor.std()[1];
      assertThat(Math.abs(x)).isEqualTo(1);
      assertThat(Math.abs(y)).isEqualTo(1);
      assertThat(xor.train().labels()[i]).isEqualTo(x * y < 0 ? 1 : 0);
    }
  }

  @Test
  void deviationIsNeverZero() {
    ImageSet flat = new ImageSet("flat", 2, 2, 1, 1, 1, new byte[] {9, 1, 9, 3}, new int[2]);
    Normalisation n = Normalisation.of(flat);
    assertThat(n.mean()[0]).isEqualTo(9 / 255f);
    assertThat(n.std()[0]).isEqualTo(1);
    assertThat(n.mean()[1]).isEqualTo(2 / 255f);
    assertThat(n.std()[1]).isEqualTo(1 / 255f);
  }

  @Test
  void missingFilesAreNamedWithWhereToGetThem() {
    DataConfig config = new DataConfig("cifar10", folder.toString(), null, true, 0, false, 0, 0);
    assertThatThrownBy(() -> DataSets.load(config))
        .isInstanceOfSatisfying(
            IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.IO))
        .hasMessageStartingWith("cifar10: " + folder.resolve("data_batch_1.bin") + " is missing;")
        .hasMessageContaining("put cifar-10-binary.tar.gz")
        .hasMessageContaining("data.folder");
    assertThat(DataSets.check("cifar10", folder.toString()))
        .hasSize(6)
        .allMatch(check -> check.state() == FileCheck.State.MISSING);
    assertThat(DataSets.check("digits", null)).isEmpty();
  }

  @Test
  void wrongContentOfTheRightSizeIsRefused() throws Exception {
    Files.write(folder.resolve("t10k-labels-idx1-ubyte"), new byte[10_008]);
    Files.write(folder.resolve("train-labels-idx1-ubyte"), new byte[10]);
    assertThat(DataSets.check("mnist", folder.toString()))
        .extracting(FileCheck::state)
        .containsExactly(
            FileCheck.State.MISSING,
            FileCheck.State.DAMAGED,
            FileCheck.State.MISSING,
            FileCheck.State.DAMAGED);
    assertThat(DataSets.check("mnist", folder.toString()).get(3).text())
        .contains("is not the published file: its SHA-256 is ");
  }

  @Test
  void unknownNameIsNamedWithItsNeighbour() {
    assertThatThrownBy(() -> DataSets.info("cifar-10"))
        .hasMessageStartingWith(
            "there is no data set cifar-10 (did you mean cifar10?); there are ");
  }

  @Test
  void folderIsTheGivenOneOrTheUsual() {
    assertThat(DataSets.folder("mnist", "/x")).isEqualTo(Path.of("/x"));
    assertThat(DataSets.folder("mnist", null).getFileName()).hasToString("mnist");
  }
}
