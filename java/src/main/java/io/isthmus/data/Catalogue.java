package io.isthmus.data;

import io.isthmus.config.NamedData;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The published data sets: files, sizes, checksums, terms. */
final class Catalogue {
  private static final long CIFAR10_BATCH = 10_000L * 3073;

  private static final List<OfficialFile> CIFAR10 =
      List.of(
          new OfficialFile(
              "data_batch_1.bin",
              CIFAR10_BATCH,
              "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
          new OfficialFile(
              "data_batch_2.bin",
              CIFAR10_BATCH,
              "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
          new OfficialFile(
              "data_batch_3.bin",
              CIFAR10_BATCH,
              "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
          new OfficialFile(
              "data_batch_4.bin",
              CIFAR10_BATCH,
              "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
          new OfficialFile(
              "data_batch_5.bin",
              CIFAR10_BATCH,
              "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
          new OfficialFile(
              "test_batch.bin",
              CIFAR10_BATCH,
              "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"));

  // Of CIFAR-100 only the archive's checksum is known for certain; it stands in the source below.
  private static final List<OfficialFile> CIFAR100 =
      List.of(
          new OfficialFile("train.bin", 50_000L * 3074, null),
          new OfficialFile("test.bin", 10_000L * 3074, null));

  private static final List<OfficialFile> MNIST =
      idx(
          "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
          "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
          "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
          "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2");

  private static final List<OfficialFile> FASHION_MNIST =
      idx(
          "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
          "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
          "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
          "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34");

  private static final Map<NamedData, DataSetInfo> SETS = new EnumMap<>(NamedData.class);

  static {
    add(
        NamedData.DIGITS,
        "Optical Recognition of Handwritten Digits, 8x8",
        "CC BY 4.0; E. Alpaydin and C. Kaynak 1998, UCI Machine Learning Repository",
        "",
        "",
        List.of());
    add(
        NamedData.CIFAR10,
        "CIFAR-10",
        "no licence given; cite A. Krizhevsky 2009, Learning Multiple Layers of Features from Tiny"
            + " Images",
        "cifar-10-binary.tar.gz (the binary version, SHA-256"
            + " c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd) from the CIFAR"
            + " page of A. Krizhevsky at the University of Toronto",
        "cifar-10-batches-bin",
        CIFAR10);
    add(
        NamedData.CIFAR100,
        "CIFAR-100, fine labels",
        "no licence given; cite A. Krizhevsky 2009, Learning Multiple Layers of Features from Tiny"
            + " Images",
        "cifar-100-binary.tar.gz (the binary version, SHA-256"
            + " 58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec) from the CIFAR"
            + " page of A. Krizhevsky at the University of Toronto",
        "cifar-100-binary",
        CIFAR100);
    add(
        NamedData.MNIST,
        "MNIST handwritten digits, 28x28",
        "CC BY-SA 3.0; Y. LeCun, C. Cortes and C. Burges 1998",
        "the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte"
            + " and t10k-labels-idx1-ubyte, plain or .gz, from the MNIST page of Y. LeCun",
        "",
        MNIST);
    add(
        NamedData.FASHION_MNIST,
        "Fashion-MNIST, 28x28",
        "MIT licence; H. Xiao, K. Rasul and R. Vollgraf 2017, Zalando SE",
        "the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte"
            + " and t10k-labels-idx1-ubyte, plain or .gz, from the fashion-mnist repository of"
            + " Zalando Research (Debian's package dataset-fashion-mnist puts them into"
            + " /usr/share/datasets/fashion-mnist)",
        "",
        FASHION_MNIST);
    add(NamedData.XOR, "the four points of the exclusive or", "none needed", "", "", List.of());
  }

  private Catalogue() {}

  static DataSetInfo of(NamedData set) {
    return SETS.get(set);
  }

  static List<DataSetInfo> all() {
    return List.copyOf(SETS.values());
  }

  private static void add(
      NamedData set,
      String title,
      String licence,
      String source,
      String subfolder,
      List<OfficialFile> files) {
    SETS.put(set, new DataSetInfo(set, title, licence, source, subfolder, files));
  }

  private static List<OfficialFile> idx(
      String trainImages, String trainLabels, String testImages, String testLabels) {
    return List.of(
        new OfficialFile("train-images-idx3-ubyte", 16 + 60_000L * 28 * 28, trainImages),
        new OfficialFile("train-labels-idx1-ubyte", 8 + 60_000L, trainLabels),
        new OfficialFile("t10k-images-idx3-ubyte", 16 + 10_000L * 28 * 28, testImages),
        new OfficialFile("t10k-labels-idx1-ubyte", 8 + 10_000L, testLabels));
  }
}
