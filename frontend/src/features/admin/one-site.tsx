import { Select } from '@mantine/core';
import { useState } from 'react';
import type { Id } from '@/domain/model';
import { useUser } from '@/state/session';

/** Which of one's sites a page is about: the first until another is chosen. */
export function useOneSite() {
  const sites = useUser()?.sites ?? [];
  const [chosen, choose] = useState<string | null>(null);
  const site: Id | null = chosen ?? sites[0]?.id ?? null;
  return { sites, site, choose };
}

interface SiteSelectProps extends ReturnType<typeof useOneSite> {
  readonly label: string;
  readonly className?: string;
}

/** The choice of a site; nothing for somebody who has only one. */
export function SiteSelect({ sites, site, choose, label, className }: SiteSelectProps) {
  if (sites.length < 2) return null;
  return (
    <Select
      className={className}
      label={label}
      value={site}
      data={sites.map((one) => ({ value: one.id, label: one.name }))}
      allowDeselect={false}
      onChange={choose}
    />
  );
}
