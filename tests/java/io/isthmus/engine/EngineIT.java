package io.isthmus.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.isthmus.config.ExitCode;
import io.isthmus.config.Precision;
import io.isthmus.data.ImageSet;
import io.isthmus.engine.EngineException.Status;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Engines, models and data sets: life, death, and what they say when they refuse. */
class EngineIT {
  private static final ImageSet TWO_IMAGES =
      new ImageSet("two images", 2, 1, 2, 2, 2, new byte[8], new int[] {0, 1});

  @AfterEach
  void nothing_stays_alive() {
    assertThat(Engine.liveHandles()).isZero();
  }

  @Test
  void an_engine_says_in_one_line_what_it_is_and_computes_in_fp32() {
    try (Engine engine = Engine.open(Backend.CPU, 0, 1)) {
      assertThat(engine.description()).isNotBlank().doesNotContain("\n");
      assertThat(engine.supports(Precision.FP32)).isTrue();
      assertThat(Engine.version()).matches("\\d+\\.\\d+\\.\\d+.*");
    }
  }

  @Test
  void closing_twice_is_fine_and_use_afterwards_is_refused() {
    Engine engine = Engine.open(Backend.CPU, 0, 1);
    assertThat(Engine.liveHandles()).isEqualTo(1);
    engine.close();
    engine.close();
    assertThatIllegalStateException()
        .isThrownBy(engine::description)
        .withMessage("Engine is closed");
  }

  @Test
  void an_engine_may_be_closed_before_what_was_made_with_it() {
    Engine engine = Engine.open(Backend.CPU, 0, 1);
    Model model = Model.surface(engine, "surface-mueller-brown");
    Points points = Points.create(model, 2);
    engine.close();
    model.close();
    assertThat(points.evaluate(null)).hasSize(2);
    points.close();
  }

  @Test
  void a_device_that_is_not_there_is_unavailable() {
    EngineException refusal =
        catchThrowableOfType(
            EngineException.class, () -> Engine.open(Backend.CPU, 4096, 1).close());
    assertThat(refusal).hasMessageContaining("device").hasMessageContaining("4096");
  }

  @Test
  void a_wrong_specification_is_the_users_error_and_names_itself() {
    try (Engine engine = Engine.open(Backend.CPU, 0, 1)) {
      for (String spec : new String[] {"resnet21", "perceptron", "resnet20:depth=3", ""}) {
        EngineException refusal =
            catchThrowableOfType(
                EngineException.class,
                () -> Model.create(engine, spec, 3, 32, 32, 10, Precision.FP32));
        assertThat(refusal).as(spec).hasMessageContaining(spec);
        assertThat(refusal.status()).as(spec).isEqualTo(Status.INVALID_ARGUMENT);
        assertThat(refusal.code()).as(spec).isEqualTo(ExitCode.USAGE);
      }
    }
  }

  @Test
  void a_wrong_argument_of_isthmus_itself_is_a_bug_and_names_function_rule_and_value() {
    try (Engine engine = Engine.open(Backend.CPU, 0, 1);
        Model model = Model.surface(engine, "surface-mueller-brown")) {
      EngineException refusal =
          catchThrowableOfType(EngineException.class, () -> Points.create(model, 0));
      assertThat(refusal)
          .hasMessageContaining("ist_points_create")
          .hasMessageContaining("n_points")
          .hasMessageContaining("0");
      assertThat(refusal.code()).isEqualTo(ExitCode.INTERNAL);
    }
  }

  @Test
  void the_mean_of_a_data_set_has_one_entry_per_channel() {
    try (Engine engine = Engine.open(Backend.CPU, 0, 1)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Dataset.create(engine, TWO_IMAGES, new float[3], new float[] {1}))
          .withMessage("mean must have 1 entries, got 3");
    }
  }

  @Test
  void the_tensors_of_a_model_lie_side_by_side_and_fill_a_point() {
    try (Engine engine = Engine.open(Backend.CPU, 0, 1);
        Model model = Model.create(engine, "resnet8", 3, 8, 8, 10, Precision.FP32)) {
      long end = 0;
      for (boolean statistic : new boolean[] {false, true}) {
        for (TensorInfo tensor : model.tensors()) {
          if (tensor.statistic() == statistic) {
            assertThat(tensor.offset()).as(tensor.name()).isEqualTo(end);
            end += tensor.size();
          }
        }
        assertThat(end).isEqualTo(statistic ? model.size() : model.parameters());
      }
      Set<String> names =
          model.tensors().stream().map(TensorInfo::name).collect(Collectors.toSet());
      assertThat(names).hasSameSizeAs(model.tensors());
      assertThat(model.statistics()).isPositive();
      assertThat(model.flops()).isPositive();
    }
  }
}
