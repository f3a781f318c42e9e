from pathlib import Path

import torch
from model import Digits  # the version's model.py, which TorchServe unpacks beside this file
from ts.torch_handler.base_handler import BaseHandler
from ts.utils.util import PredictionException

IMAGE_SHAPE = (8, 8)
DARKEST = 16


class DigitsHandler(BaseHandler):
    """Answers with the digit in an image; explains with the weight of each pixel in that answer.

    BaseHandler.handle runs preprocess, then inference and postprocess for a prediction or explain_handle for an explanation.
    """

    def initialize(self, context):
        properties = context.system_properties
        gpu = properties.get("gpu_id")
        self.device = torch.device(f"cuda:{gpu}" if torch.cuda.is_available() and gpu is not None else "cpu")
        weights = Path(properties["model_dir"]) / context.manifest["model"]["serializedFile"]
        self.model = Digits()
        # BaseHandler would unpickle the file, which can run any code in it. weights_only reads tensors and nothing else.
        self.model.load_state_dict(torch.load(weights, map_location=self.device, weights_only=True))
        self.model.to(self.device).eval()
        self.initialized = True

    def preprocess(self, data):
        return torch.stack([self._image(row) for row in data]).to(self.device)

    def postprocess(self, data):
        return data.argmax(dim=1).tolist()

    def explain_handle(self, data_preprocess, raw_data):
        # Gradient times input: how much each pixel adds to the score of the digit that was chosen.
        images = data_preprocess.requires_grad_()
        self.model(images).max(dim=1).values.sum().backward()
        return (images.grad * images).detach().squeeze(1).tolist()

    @staticmethod
    def _image(row):
        # Under KServe's V1 and V2 protocols an instance or input is {"data": image}; without an envelope TorchServe gives
        # the whole body of the request as {"body": {"data": image}}.
        row = row.get("body", row)
        try:
            image = torch.tensor(row["data"], dtype=torch.float32)
        except (KeyError, TypeError, ValueError):
            image = None
        if image is None or image.shape != IMAGE_SHAPE:
            raise PredictionException(f'each instance must be {{"data": image}}: 8 rows of 8 numbers from 0 to {DARKEST}', 400)
        return image.unsqueeze(0) / DARKEST
