package io.isthmus.cli;

import java.nio.file.Path;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.ToStringSerializer;

/**
 * Records and maps as an indented JSON document: snake_case names, enums in lower case, null for a
 * number that does not exist (NaN), "inf" and "-inf" for the infinite ones.
 */
final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .addModule(
              new SimpleModule()
                  .addSerializer(Double.class, new Numbers())
                  .addSerializer(Double.TYPE, new Numbers())
                  .addSerializer(Float.class, new Numbers())
                  .addSerializer(Float.TYPE, new Numbers())
                  .addSerializer(Path.class, new ToStringSerializer(Path.class)))
          .build();

  private Json() {}

  static String write(Object value) {
    return MAPPER.writeValueAsString(value);
  }

  /** The document that a text holds. */
  static Object read(String text) {
    return MAPPER.readTree(text);
  }

  /** JSON has no NaN and no infinity. */
  private static final class Numbers extends ValueSerializer<Number> {
    @Override
    public void serialize(Number value, JsonGenerator out, SerializationContext context) {
      double number = value.doubleValue();
      if (Double.isNaN(number)) {
        out.writeNull();
      } else if (Double.isInfinite(number)) {
        out.writeString(number > 0 ? "inf" : "-inf");
      } else if (value instanceof Float single) {
        out.writeNumber(single);
      } else {
        out.writeNumber(number);
      }
    }
  }
}
