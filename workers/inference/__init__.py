"""From a request to a result: scores, saliency, boxes, embedding."""
