package io.isthmus.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** The configurations that come with Isthmus; {@link Config#load} takes their names for files. */
public final class BuiltinConfigs {
  private static final String REDUCED = "-cpu";
  private static final List<String> NAMES =
      List.of(
          "demo",
          "xor-2",
          "xor-3",
          "surface-mueller-brown",
          "surface-leps",
          "cifar10-resnet8-cpu",
          "cifar10-resnet20",
          "cifar10-resnet20-cpu",
          "cifar10-resnet32",
          "cifar10-resnet32-cpu",
          "cifar10-resnet44",
          "cifar10-resnet44-cpu",
          "cifar10-resnet56",
          "cifar10-resnet56-cpu",
          "cifar10-densenet40",
          "cifar10-densenet40-cpu",
          "cifar10-densenet100-bc",
          "cifar10-densenet100-bc-cpu",
          "cifar100-resnet20",
          "cifar100-resnet20-cpu",
          "cifar100-resnet44",
          "cifar100-resnet44-cpu",
          "cifar100-densenet40",
          "cifar100-densenet40-cpu",
          "cifar100-densenet100-bc",
          "cifar100-densenet100-bc-cpu");

  private BuiltinConfigs() {}

  /**
   * Their names: the demonstration, two of XOR (figure 8), two surfaces (figure 2), a small study,
   * and the ten rows of Table 1, each followed by its reduced sibling for processors, {@code -cpu}.
   */
  public static List<String> names() {
    return NAMES;
  }

  /** The row of Table 1 that a configuration is the reduced sibling of; empty for all others. */
  public static Optional<String> row(String name) {
    return Optional.of(name)
        .filter(NAMES::contains)
        .filter(it -> it.endsWith(REDUCED))
        .map(it -> it.substring(0, it.length() - REDUCED.length()))
        .filter(NAMES::contains);
  }

  /** The YAML text of one; empty when there is none of this name. */
  public static Optional<String> text(String name) {
    if (!NAMES.contains(name)) {
      return Optional.empty();
    }
    String resource = "/configs/" + name + ".yaml";
    try (InputStream in = BuiltinConfigs.class.getResourceAsStream(resource)) {
      return Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What one is for: the first line of its comment. */
  public static String description(String name) {
    String text = text(name).orElseThrow(() -> new IllegalArgumentException(name));
    return text.lines().findFirst().orElse("").replaceFirst("^#\\s*", "");
  }
}
