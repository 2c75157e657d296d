/** A heading with what belongs to it. */
import type { ReactNode } from 'react';

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} style={{ marginBottom: 24 }}>
      <h2 style={{ fontSize: '1.15rem' }}>{title}</h2>
      {children}
    </section>
  );
}
