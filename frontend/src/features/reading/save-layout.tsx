import { Modal, Radio, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { saveLayout } from '@/api/hanging-endpoints';
import type { LayoutScope } from '@/domain/hanging';
import type { PackIndex } from '@/imaging/pack';
import { useViews } from '@/imaging/view-store';
import { hungNow, refreshHangings, setHangings, useHangings } from '@/state/hanging';
import { getRoom, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { display } from '@/text/en-display';
import { Notice } from '@/ui/primitives';

const words = display.hanging.dialog;
type When = 'region' | 'any' | 'never';

const close = () => setHangings({ saving: false });

function useShown() {
  const base = useRoom((state) => state.manifest?.pack.base ?? null);
  const client = useQueryClient();
  return () => {
    const index = client.getQueryData<PackIndex>(['pack', base]);
    const { panes } = useViews.getState();
    // A layout is for other patients: PET's values mean another uptake in each.
    return hungNow(index?.series ?? [], (pane) => {
      const view = panes[pane]?.view;
      return view && view.stack.modality !== 'PT' ? view.window : null;
    });
  };
}

function SaveForm() {
  const item = useRoom((state) => state.item);
  const region = useHangings((state) => state.hangings?.region ?? '');
  const maySite = useHangings((state) => state.hangings?.may_manage_site ?? false);
  const [name, setName] = useState('');
  const [scope, setScope] = useState<LayoutScope>('user');
  const [when, setWhen] = useState<When>('region');
  const [failure, setFailure] = useState<string | null>(null);
  const shown = useShown();
  const modality = item?.study.modality ?? '';
  const hasPrior = getRoom().panes.some((pane) => pane.study);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!item || name.trim() === '') return;
    try {
      const id = await saveLayout({
        study: item.study.id,
        name: name.trim(),
        scope,
        is_default: when !== 'never',
        any_region: when === 'any',
        ...shown(),
      });
      await refreshHangings();
      setHangings({ applied: id, saving: false });
    } catch (error) {
      setFailure(error instanceof Error ? error.message : '');
    }
  };
  return (
    <form className="form-column" onSubmit={(event) => void submit(event)}>
      <TextInput
        label={words.name}
        description={words.nameHint}
        value={name}
        maxLength={60}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      <Radio.Group
        label={words.scope}
        value={scope}
        onChange={(value) => setScope(value === 'site' ? 'site' : 'user')}
      >
        <Radio value="user" label={words.mine} />
        <Radio
          value="site"
          label={words.site}
          disabled={!maySite}
          description={maySite ? null : words.siteHint}
        />
      </Radio.Group>
      <Radio.Group
        label={words.when}
        value={when}
        onChange={(value) => setWhen(value as When)}
      >
        <Radio value="region" label={words.always(modality, region.toLowerCase())} />
        {region === '' ? null : <Radio value="any" label={words.anyRegion(modality)} />}
        <Radio value="never" label={words.never} />
      </Radio.Group>
      {hasPrior ? <p className="t3">{words.priorsLeft}</p> : null}
      {failure === null ? null : <Notice kind="fail" assertive title={failure} />}
      <div className="acts">
        <button type="button" className="btn" onClick={close}>
          {text.common.cancel}
        </button>
        <button type="submit" className="btn primary" aria-disabled={name.trim() === ''}>
          {words.submit}
        </button>
      </div>
    </form>
  );
}

/** The form that keeps what the viewports show as a layout. */
export function SaveLayoutDialog() {
  const saving = useHangings((state) => state.saving);
  if (!saving) return null;
  return (
    <Modal opened onClose={close} title={words.title}>
      <SaveForm />
    </Modal>
  );
}
