/** What every page has: a time range, a refresh, and its parts below each other. */
import {
  EmbeddedScene, SceneControlsSpacer, SceneFlexItem, SceneFlexLayout, type SceneObject, SceneRefreshPicker,
  SceneTimePicker, SceneTimeRange,
} from '@grafana/scenes'; // prettier-ignore

export function page(from: string, parts: (SceneObject | SceneFlexItem)[]): EmbeddedScene {
  return new EmbeddedScene({
    $timeRange: new SceneTimeRange({ from, to: 'now' }),
    controls: [
      new SceneControlsSpacer(),
      new SceneTimePicker({ isOnCanvas: true }),
      new SceneRefreshPicker({ refresh: '30s', intervals: ['10s', '30s', '1m', '5m'], isOnCanvas: true }),
    ],
    body: new SceneFlexLayout({
      direction: 'column',
      children: parts.map((part) =>
        part instanceof SceneFlexItem ? part : new SceneFlexItem({ ySizing: 'content', body: part as never })
      ),
    }),
  });
}
