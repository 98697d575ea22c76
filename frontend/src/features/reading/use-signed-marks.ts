import { useQuery } from '@tanstack/react-query';
import { readSignedMarks, type SignedMark } from '@/api/marks-endpoints';
import type { Id } from '@/domain/model';

const NONE: readonly SignedMark[] = [];

/** Signed measurements of another study, shown and never changed; null asks for none. */
export function useSignedMarks(study: Id | null): readonly SignedMark[] {
  const { data } = useQuery({
    queryKey: ['signed-marks', study],
    queryFn: ({ signal }) => readSignedMarks(study ?? '', signal),
    enabled: study !== null,
    staleTime: 60_000,
    retry: 1,
  });
  return data?.items ?? NONE;
}
