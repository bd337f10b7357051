package io.isthmus.experiment;

import io.isthmus.config.DataConfig;
import io.isthmus.config.ModelConfig;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Data sets and networks as papers write them. */
final class Labels {
  private static final Map<String, String> DATA =
      Map.of(
          "cifar10", "CIFAR10",
          "cifar100", "CIFAR100",
          "mnist", "MNIST",
          "fashion-mnist", "Fashion-MNIST",
          "xor", "XOR",
          "none", "surface");
  private static final Pattern RESNET = Pattern.compile("resnet(\\d+)(.*)");
  private static final Pattern DENSENET = Pattern.compile("densenet(\\d+-\\d+)(-bc)?(.*)");
  private static final Pattern WIDTHS = Pattern.compile("(mlp|cnn)(?:-([\\d-]+))?(.*)");

  private Labels() {}

  /** For instance CIFAR10+, the plus standing for crops and flips. */
  static String dataset(DataConfig data) {
    boolean augmented = data.cropPadding() > 0 || data.flip();
    String name = data.file() == null ? data.name() : data.file();
    return DATA.getOrDefault(name, name) + (augmented ? "+" : "");
  }

  /** For instance ResNet-20, DenseNet-100-12-BC or MLP 64-32; options follow in parentheses. */
  static String architecture(ModelConfig model) {
    String spec = model.spec();
    Matcher resnet = RESNET.matcher(spec);
    if (resnet.matches()) {
      return "ResNet-" + resnet.group(1) + options(resnet.group(2));
    }
    Matcher densenet = DENSENET.matcher(spec);
    if (densenet.matches()) {
      String bottleneck = densenet.group(2) == null ? "" : "-BC";
      return "DenseNet-" + densenet.group(1) + bottleneck + options(densenet.group(3));
    }
    Matcher widths = WIDTHS.matcher(spec);
    if (widths.matches()) {
      String layers = widths.group(2) == null ? "" : " " + widths.group(2);
      return widths.group(1).toUpperCase(java.util.Locale.ROOT) + layers + options(widths.group(3));
    }
    return spec;
  }

  private static String options(String rest) {
    return rest.startsWith(":") ? " (" + rest.substring(1).replace(",", ", ") + ")" : rest;
  }
}
