/** What may be said of any field, and what is done with it: in Grafana it is registered as it starts. */
import {
  type FieldConfigPropertyItem, FieldConfigProperty as P, ThresholdsMode, booleanOverrideProcessor, dataLinksOverrideProcessor,
  displayNameOverrideProcessor, identityOverrideProcessor, numberOverrideProcessor, standardFieldConfigEditorRegistry,
  standardTransformers, standardTransformersRegistry, stringOverrideProcessor, thresholdsOverrideProcessor,
  unitOverrideProcessor, valueMappingsOverrideProcessor,
} from '@grafana/data'; // prettier-ignore
import { partitionByValues } from './partition';

const PROCESSORS: [P, unknown, unknown?][] = [
  [P.Unit, unitOverrideProcessor], [P.Min, numberOverrideProcessor], [P.Max, numberOverrideProcessor],
  [P.FieldMinMax, booleanOverrideProcessor], [P.Decimals, numberOverrideProcessor],
  [P.DisplayName, displayNameOverrideProcessor], [P.Color, identityOverrideProcessor],
  [P.NoValue, stringOverrideProcessor], [P.Links, dataLinksOverrideProcessor], [P.Actions, dataLinksOverrideProcessor],
  [P.Mappings, valueMappingsOverrideProcessor, []], [P.Filterable, booleanOverrideProcessor],
  [P.Thresholds, thresholdsOverrideProcessor,
    { mode: ThresholdsMode.Absolute, steps: [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }] }],
]; // prettier-ignore

export function register(): void {
  standardFieldConfigEditorRegistry.setInit(() =>
    PROCESSORS.map(([id, process, defaultValue]) => ({
      id, path: id, name: id, process, defaultValue, shouldApply: () => true,
      settings: { expandTemplateVars: id === P.DisplayName },
    }) as unknown as FieldConfigPropertyItem)
  ); // prettier-ignore
  standardTransformersRegistry.setInit(() =>
    [...new Set([...Object.values(standardTransformers), partitionByValues])].map((transformation) => (
      { id: transformation.id, name: transformation.name, transformation, editor: () => null, imageDark: '', imageLight: '' } as never
    ))
  ); // prettier-ignore
}
