package io.isthmus.neb;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.config.Preset;
import io.isthmus.data.DataSource;
import io.isthmus.data.ImageSet;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ObjectiveTest {
  private final SmallExperiment experiment = SmallExperiment.network();
  private final DataSource data = experiment.data();

  @Test
  void trainingMetricsAreTakenOverTheTrainingImagesThemselves() {
    assertThat(Objective.judgedImages(experiment.config(), data)).isSameAs(data.train());
    experiment.evalTrainLimit = 64;
    assertThat(Objective.judgedImages(experiment.config(), data)).isSameAs(data.train());
  }

  @Test
  void orOverTheFirstSoMany() {
    experiment.evalTrainLimit = 10;
    ImageSet judged = Objective.judgedImages(experiment.config(), data);

    assertThat(judged.count()).isEqualTo(10);
    assertThat(judged.images()).isEqualTo(Arrays.copyOf(data.train().images(), 640));
    assertThat(judged.labels()).isEqualTo(Arrays.copyOf(data.train().labels(), 10));
  }

  @Test
  void orOverAnAugmentedPassOfThemWhereTrainingAugments() {
    experiment.preset = Preset.OFFICIAL;
    experiment.evalTrainLimit = 10;
    ImageSet judged = Objective.judgedImages(experiment.config(), data);

    assertThat(judged.count()).isEqualTo(10);
    assertThat(judged.images()).isNotEqualTo(Arrays.copyOf(data.train().images(), 640));

    experiment.crop = 0;
    experiment.flip = false;
    experiment.evalTrainLimit = 0;
    assertThat(Objective.judgedImages(experiment.config(), data)).isSameAs(data.train());
  }
}
