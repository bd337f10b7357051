package io.isthmus.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.config.DataConfig;
import io.isthmus.config.ModelConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names in tables. */
class LabelsTest {
  @ParameterizedTest
  @CsvSource({
    "resnet20, ResNet-20",
    "'resnet8:width=8,shortcut=B', 'ResNet-8 (width=8, shortcut=B)'",
    "densenet40-12, DenseNet-40-12",
    "densenet100-12-bc, DenseNet-100-12-BC",
    "mlp, MLP",
    "mlp-64-32:activation=tanh, MLP 64-32 (activation=tanh)",
    "cnn-16-32, CNN 16-32",
    "surface-mueller-brown, surface-mueller-brown"
  })
  void networksAreCalledAsInPapers(String spec, String label) {
    assertThat(Labels.architecture(new ModelConfig(spec))).isEqualTo(label);
  }

  @Test
  void augmentedDataHasAPlus() {
    assertThat(Labels.dataset(data("cifar10", 4, true))).isEqualTo("CIFAR10+");
    assertThat(Labels.dataset(data("cifar100", 0, false))).isEqualTo("CIFAR100");
    assertThat(Labels.dataset(data("digits", 0, false))).isEqualTo("digits");
  }

  private static DataConfig data(String name, int padding, boolean flip) {
    return new DataConfig(name, null, null, true, padding, flip, 0, 0);
  }
}
